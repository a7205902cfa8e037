import pytest
import torch

from tests.models.two_processes import run, worker


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    directory = tmp_path_factory.mktemp("processes")
    torch.multiprocessing.spawn(worker, args=(2, str(directory)), nprocs=2)
    return [torch.load(directory / f"{rank}.th") for rank in range(2)], run(0, 1)


@pytest.mark.slow
def test_two_processes_have_the_gradients_of_one(results):
    both, one = results
    for process in both:
        for found, expected in zip(process["gradients"], one["gradients"]):
            for a, b in zip(found, expected):
                torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    assert all(any(g.abs().max() > 1e-3 for g in step) for step in one["gradients"])
    # The trainer logs the mean over processes.
    for step, expected in enumerate(one["losses"]):
        mean = sum(process["losses"][step] for process in both) / 2
        assert mean == pytest.approx(expected, rel=1e-5)
        assert {process["words"][step] for process in both} == {one["words"][step]}


@pytest.mark.slow
@pytest.mark.parametrize("part", ["training", "evaluation"])
def test_two_processes_have_the_metrics_of_one(results, part):
    both, one = results
    for process in both:
        assert process[part] == pytest.approx(one[part], rel=1e-5)
    names = one[part].keys()
    assert {"gold_loss", "distillation_loss"} <= names
    assert {"distillation_loss/squares", "distillation_loss/predictions"} <= names
    assert ("f1-measure-overall" in names and "agreement" in names) == (part == "evaluation")
    if part == "evaluation":
        assert 0 < one[part]["accuracy"] < 1 and 0 < one[part]["agreement"] < 1


@pytest.mark.slow
def test_the_saved_weights_are_the_students(results):
    both, one = results
    for process in both:
        assert list(process["state"]) == list(one["state"])
        assert all(torch.equal(process["state"][name], one["state"][name]) for name in one["state"])
