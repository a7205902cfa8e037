import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from torch.testing import assert_close

import allennlp_kd.plugin  # noqa: F401 - registers the objectives
from allennlp_kd.models.pairing import Pairing
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.structs.chain import ChainPotentials, log_node_marginals, with_marginals
from allennlp_kd.structs.chain.conversions import independent
from allennlp_kd.structs.tree.conversions import relative_tags
from allennlp_kd.teachers.converted_teacher import ConvertedTeacher
from allennlp_kd.teachers.teacher import Teacher
from tests.models.fake_teacher import FakeTeacher, teacher_inputs
from tests.structs.tree.enumeration import random_potentials


class FakeParser(Teacher):
    """Its inputs are its potentials."""

    structure, labels = "tree", ["det", "root"]

    def attach(self, instances):
        for instance in instances:
            instance.append("attached")

    def potentials(self, inputs):
        return inputs


class FakeStudent:
    structure = "chain"

    def __init__(self, labels):
        self.labels = labels


def test_independent_words():
    inner = FakeTeacher(["a", "b"])
    teacher = ConvertedTeacher(inner, "independent")
    teacher.introduce(["b", "a"])
    assert teacher.structure == "chain" and teacher.labels == ["a", "b"]
    assert teacher.provides == {"marginals"}
    inputs = teacher_inputs([3, 1], 2)["value"]
    found, expected = teacher.potentials(inputs), independent(inner.potentials(inputs))
    assert torch.equal(found.emissions, expected.emissions) and not found.transitions.any()


def test_the_tags_are_the_student_s():
    teacher = ConvertedTeacher(FakeParser(), "relative_heads")
    teacher.introduce(["0@root", "+1@det", "-1@det", "+1@nsubj", "@@UNKNOWN@@"])
    assert teacher.labels == ["0@root", "+1@det", "-1@det"]
    trees = random_potentials([3, 2], labels=2)
    found = teacher.potentials(trees)
    expected = relative_tags(trees, torch.tensor([0, 1, -1]), torch.tensor([1, 0, 0]))
    possible = torch.isfinite(expected.emissions)
    assert torch.equal(found.emissions[possible], expected.emissions[possible])
    # The first word has none before it.
    assert torch.isneginf(found.emissions[~possible]).all() and not possible[0, 0, 2]
    instance = []
    teacher.attach([instance])
    assert instance == ["attached"]


OBJECTIVES = [
    {"type": "token"},
    {"type": "marginal"},
    {"type": "marginal", "parts": "edges"},
    {"type": "structural"},
    {"type": "top_k", "k": 3},
    {"type": "substructured"},
    {"type": "substructured", "window": 1},
    {"type": "substructured", "window": 3},
    {"type": "substructured", "match": "scores"},
    {"type": "substructured", "match": "scores", "form": "raw"},
    {"type": "substructured", "match": "scores", "form": "emissions"},
    {"type": "substructured", "match": "scores", "form": "weighted"},
    {"type": "substructured", "match": "scores", "huber": 0.5},
    {"type": "substructured", "match": "both", "scale": 0.1},
]


@pytest.mark.parametrize("options", OBJECTIVES, ids=str)
@pytest.mark.parametrize("temperature", [1.0, 8.0])
def test_the_impossible_is_impossible_at_every_temperature(options, temperature):
    """Neither the loss nor a gradient depends on a student's score of a tag that is impossible,
    but by what the student gives to it; and the optimum gives it nothing."""
    teacher = ConvertedTeacher(FakeParser(), "relative_heads")
    teacher.introduce(["0@root", "+1@det", "-1@det"])
    found = with_marginals(teacher.potentials(random_potentials([3, 2, 1], labels=2)))
    impossible = torch.isneginf(found.emissions) & found.mask.unsqueeze(2)
    assert impossible.any()
    hot = log_node_marginals(found.tempered(temperature)).exp()
    assert (hot[impossible] == 0).all()
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(found.emissions.shape, generator=generator).double()
    moves = torch.randn(3, 3, generator=generator).double().requires_grad_()
    objective = Objective.from_params(Params({**options, "temperature": temperature}))

    def loss(of_impossible):
        emissions = scores.masked_fill(impossible, of_impossible).requires_grad_()
        losses = objective(ChainPotentials(emissions, found.mask, moves), found)
        assert torch.isfinite(losses).all()
        return losses.detach(), torch.autograd.grad(losses.sum(), emissions)[0]

    (low, _), (high, gradient) = loss(-30.0), loss(3.0)
    if options.get("match") == "scores":  # left out
        assert_close(low, high)
        assert (gradient[impossible] == 0).all()
    else:
        assert (low <= high + 1e-12).all() and (low < high).any()
        assert (gradient[impossible] >= 0).all()


def test_tags_unknown_to_the_teacher_are_listed():
    teacher = ConvertedTeacher(FakeParser(), "relative_heads")
    student = FakeStudent(["0@root", "+1@nsubj"])
    teacher.introduce(student.labels)
    with pytest.raises(ConfigurationError, match=r"Only the student has \['\+1@nsubj'\]"):
        Pairing(student, teacher, Substructured())
    Pairing(student, teacher, Substructured(), policy="shared")


@pytest.mark.parametrize(
    "teacher, to, message",
    [
        (FakeTeacher(["a"]), "relative_heads", "converts a tree, but the structure of .* is chain"),
        (FakeParser(), "independent", "converts a chain, but the structure of .* is tree"),
    ],
)
def test_another_structure(teacher, to, message):
    with pytest.raises(ConfigurationError, match=message):
        assert ConvertedTeacher(teacher, to).structure


def test_refuses():
    with pytest.raises(
        ConfigurationError, match="one of independent, relative_heads, found 'maxent'"
    ):
        ConvertedTeacher(FakeParser(), "maxent")
    with pytest.raises(ConfigurationError, match="none of the student's tags B-NP, O, ... encodes"):
        ConvertedTeacher(FakeParser(), "relative_heads").introduce(["B-NP", "O"])
