import pytest
import torch

from tests.models.two_processes import TASKS, run, worker


@pytest.fixture(scope="module", params=TASKS)
def results(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("processes")
    torch.multiprocessing.spawn(worker, args=(2, str(directory), request.param), nprocs=2)
    both = [torch.load(directory / f"{rank}.th") for rank in range(2)]
    return both, run(0, 1, request.param), request.param


def largest(found, expected) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(found, expected))


@pytest.mark.slow
def test_two_processes_have_the_gradients_of_one(results, record_property):
    both, one, _ = results
    steps = range(len(one["gradients"]))
    differences = [largest(p["gradients"][i], one["gradients"][i]) for p in both for i in steps]
    record_property("largest difference", max(differences))
    assert max(differences) < 1e-6
    assert all(any(g.abs().max() > 1e-3 for g in step) for step in one["gradients"])
    # The trainer logs the mean over processes.
    for step, expected in enumerate(one["losses"]):
        mean = sum(process["losses"][step] for process in both) / 2
        assert mean == pytest.approx(expected, rel=1e-5)
        assert {process["words"][step] for process in both} == {one["words"][step]}


@pytest.mark.slow
def test_accumulated_gradients_are_those_of_one_process(results):
    both, one, _ = results
    assert max(largest(process["accumulated"], one["accumulated"]) for process in both) < 1e-6
    # It is the mean over the words of all batches, which each is the mean of its own.
    shares = [words / sum(one["words"]) for words in one["words"]]
    steps = zip(*one["gradients"])
    expected = [sum(share * g for share, g in zip(shares, step)) for step in steps]
    assert largest(one["accumulated"], expected) < 1e-6
    assert largest(one["accumulated"], one["gradients"][0]) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("part", ["training", "evaluation"])
def test_two_processes_have_the_metrics_of_one(results, part):
    both, one, task = results
    for process in both:
        assert process[part] == pytest.approx(one[part], rel=1e-5)
    names = one[part].keys()
    assert {"gold_loss", "distillation_loss"} <= names
    if task == "tagger":
        parts = ("squares", "predictions", "hidden")
        assert {f"distillation_loss/{part}" for part in parts} <= names
    quality = {"tagger": {"f1-measure-overall", "accuracy"}, "parser": {"UAS", "LAS"}}[task]
    assert (quality | {"agreement"} <= names) == (part == "evaluation")
    if part == "evaluation":
        assert any(0 < one[part][name] < 1 for name in quality) and 0 < one[part]["agreement"] < 1
        assert any(name.startswith("agreement/") for name in names)


@pytest.mark.slow
def test_the_saved_weights_are_the_students(results):
    both, one, _ = results
    for process in both:
        assert list(process["state"]) == list(one["state"])
        assert all(torch.equal(process["state"][name], one["state"][name]) for name in one["state"])
