import pytest
import torch
from allennlp.common.checks import ConfigurationError

from allennlp_kd.models.pairing import Pairing
from allennlp_kd.objectives.substructured import Substructured
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
    # The first word has none before it. Differences to what is impossible are finite.
    assert set(found.emissions[~possible].tolist()) == {-30.0} and not possible[0, 0, 2]
    instance = []
    teacher.attach([instance])
    assert instance == ["attached"]


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
    with pytest.raises(ConfigurationError, match="none of the student's tags B-NP, O, ... stands"):
        ConvertedTeacher(FakeParser(), "relative_heads").introduce(["B-NP", "O"])
