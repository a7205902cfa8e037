import pytest
from allennlp.common.checks import ConfigurationError

from allennlp_kd.teachers.label_alignment import LabelAlignment


def test_another_order_is_a_permutation():
    found = LabelAlignment(["O", "B", "I"], ["I", "O", "B"])
    assert (found.student, found.teacher) == ([0, 1, 2], [1, 2, 0])


def test_shared_labels_in_the_students_order():
    found = LabelAlignment(["O", "B", "X"], ["Y", "B", "O"], policy="shared")
    assert (found.student, found.teacher) == ([0, 1], [2, 1])


def test_mapped_labels():
    found = LabelAlignment(["O", "B"], ["O", "begin"], label_map={"begin": "B"})
    assert (found.student, found.teacher) == ([0, 1], [0, 1])


@pytest.mark.parametrize(
    "student,teacher,options,message",
    [
        (["O", "B"], ["O", "I"], {}, r"Only the student has \['B'\]; only the teacher has \['I'\]"),
        (["O", "B"], ["O"], {}, r"Only the student has \['B'\]; only the teacher has none"),
        (["O"], ["X"], {"policy": "shared"}, r"have no label in common: \['O'\] and \['X'\]"),
        (["O"], ["O"], {"policy": "any"}, "labels must be one of same, shared, found 'any'"),
        (["O"], ["O"], {"policy": "any", "merge": True}, "same, shared, none, found 'any'"),
        ([], ["O"], {}, r"the student has no labels.*The teacher has \['O'\]"),
        (
            ["O"],
            ["O"],
            {"label_map": {"Z": "O"}},
            r"label_map names labels that the teacher lacks: \['Z'\]",
        ),
        (
            ["O"],
            ["O", "X"],
            {"label_map": {"X": "O"}},
            r"several of the teacher's labels to one name, which only trees allow: \['O'\]",
        ),
    ],
)
def test_errors(student, teacher, options, message):
    with pytest.raises(ConfigurationError, match=message):
        LabelAlignment(student, teacher, **options)


def test_several_of_the_teachers_labels_may_be_one_where_they_can_be_merged():
    names = {"nmod:poss": "nmod"}
    teacher = ["nmod:poss", "root", "nmod"]
    found = LabelAlignment(["root", "nmod"], teacher, label_map=names, merge=True)
    assert found.groups == [[1], [0, 2]] and found.merges
    assert not LabelAlignment(["root", "a"], ["a", "root"], merge=True).merges
