import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError

from allennlp_kd.models.distillation import Distillation
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.top_k import TopK
from allennlp_kd.objectives.weighted_sum import WeightedSum
from tests.models.fake_teacher import FakeTeacher
from tests.models.small_distillation import batch, model
from tests.models.tagging import tagger, vocabulary
from tests.objectives.chains import random_chains

CONFIG = {
    "type": "sum",
    "objectives": {
        "local": {"type": "substructured", "temperature": 3.0},
        "scores": {"type": "substructured", "match": "scores", "form": "raw"},
    },
    "weights": {"scores": 0.25},
}


def built(**changes) -> WeightedSum:
    return Objective.from_params(Params({**CONFIG, **changes}).duplicate())


def test_is_the_weighted_sum_and_has_the_parts():
    student, teacher = random_chains([3, 1, 4], 3, seed=0), random_chains([3, 1, 4], 3, seed=1)
    total, parts = built().with_parts(student, teacher)
    local = Substructured(temperature=3.0)(student, teacher)
    scores = Substructured(match="scores", form="raw")(student, teacher)
    torch.testing.assert_close(total, local + 0.25 * scores)
    torch.testing.assert_close(built()(student, teacher), total)
    assert list(parts) == ["local", "scores"] == list(built().part_names)
    torch.testing.assert_close(parts["local"], local)
    torch.testing.assert_close(parts["scores"], scores)


def test_sums_of_sums():
    student, teacher = random_chains([2, 3], 2, seed=0), random_chains([2, 3], 2, seed=1)
    outer = WeightedSum({"one": built(), "other": Substructured()}, {"one": 2.0})
    assert outer.part_names == ("one", "one/local", "one/scores", "other")
    total, parts = outer.with_parts(student, teacher)
    assert tuple(parts) == outer.part_names
    expected = 2 * built()(student, teacher) + Substructured()(student, teacher)
    torch.testing.assert_close(total, expected)


def test_the_temperature_reaches_all_members():
    found = built()
    student, teacher = random_chains([3], 3, seed=0), random_chains([3], 3, seed=1)
    assert found.temperature == 3.0
    found.temperature = 2.0
    members = [Substructured(temperature=2.0), Substructured("scores", "raw", temperature=2.0)]
    expected = members[0](student, teacher) + 0.25 * members[1](student, teacher)
    torch.testing.assert_close(found(student, teacher), expected)
    torch.testing.assert_close(built(temperature=2.0)(student, teacher), expected)
    with pytest.raises(ConfigurationError, match="temperature must be greater than 0, found 0"):
        found.temperature = 0


def test_accepts_what_all_members_accept():
    assert built().structures == {"chain", "tree"}
    emissions = Substructured(match="scores", form="emissions")
    found = WeightedSum({"all": Substructured(), "emissions": emissions})
    assert found.structures == {"chain"}
    with pytest.raises(
        ConfigurationError, match=r"no structure is accepted .*\(e: chain; arcs: tree\)"
    ):
        WeightedSum({"e": emissions, "arcs": Substructured(parts="arcs")})


@pytest.mark.parametrize(
    "arguments, message",
    [
        (({},), "at least one objective, found none"),
        (({"a": Substructured()}, {"b": 1.0}), "weights are given for b, but the objectives are a"),
        (({"a": Substructured()}, {"a": 0.0}), "must be greater than 0, found 0.0 for a"),
        (({"a": Substructured()}, {"a": float("nan")}), "must be greater than 0, found nan for a"),
        (({"a/b": Substructured()},), "must not be empty or contain a '/', found 'a/b'"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        WeightedSum(*arguments)


def test_each_loss_is_logged_and_the_sum_is_trained_on():
    sum_of_two = built(temperature=1.0)
    members = [Substructured(), Substructured("scores", "raw")]
    found, (local, scores) = model_with(sum_of_two), map(model_with, members)
    rows = [0, 2]
    for each in (found, local, scores):
        each(**batch(each, rows))["loss"].backward()
    metrics = found.get_metrics(reset=True)
    first, second = (each.get_metrics()["distillation_loss"] for each in (local, scores))
    assert metrics["distillation_loss/local"] == pytest.approx(first, rel=1e-5)
    assert metrics["distillation_loss/scores"] == pytest.approx(second, rel=1e-5)
    assert metrics["distillation_loss"] == pytest.approx(first + 0.25 * second, rel=1e-5)
    parameters = zip(*(each.parameters() for each in (found, local, scores)))
    for a, b, c in parameters:
        if a.grad is not None:
            torch.testing.assert_close(a.grad, b.grad + 0.25 * c.grad, rtol=1e-4, atol=1e-6)
    # Those of no sentence are absent, outside of training as well.
    found(**batch(found, []))
    assert found.get_metrics(reset=True) == {}
    found.eval()(**batch(found, rows))
    assert "distillation_loss/local" in found.get_metrics()


def model_with(objective) -> Distillation:
    plain = model()
    return Distillation(plain.vocab, plain.student, plain.teacher, objective, alpha=1.0)


class Needy(Objective):
    needs = frozenset({"marginals", "hidden"})

    def __call__(self, student, teacher, hidden):
        return student.emissions.sum((1, 2)) * hidden


def test_what_the_teacher_does_not_provide_is_refused():
    vocab = vocabulary()
    student = tagger("crf_tagger_student", vocab)
    teacher = FakeTeacher(student.labels)
    found = WeightedSum({"needy": Needy(), "other": Substructured()})
    assert found.needs == Needy.needs
    with pytest.raises(
        ConfigurationError,
        match="WeightedSum needs hidden, marginals, which the teacher FakeTeacher does not provide "
        r"\(it provides only potentials\)",
    ):
        Distillation(vocab, student, teacher, objective=found)
    chains = random_chains([2, 1], 2, seed=0)
    # The potentials carry the marginals themselves.
    needed = {"hidden": torch.ones(2), "more": None}
    with pytest.raises(KeyError):
        found(chains, chains, more=None)
    total, parts = found.with_parts(chains, chains, **needed)
    assert torch.equal(parts["needy"].isnan(), torch.tensor([False, True]))


def test_members_are_asked_what_they_can_be_of():
    found = WeightedSum({"local": Substructured(), "best": TopK(k=2)})
    found.check("chain", 2)
    found.check("tree", 1)
    with pytest.raises(ConfigurationError, match="k is 2, but with 1 label a sentence has only 1"):
        found.check("chain", 1)
