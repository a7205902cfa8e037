import pytest
import torch

from allennlp_kd.objectives.substructured import Substructured
from tests.objectives.chains import random_chains
from tests.structs.tree.enumeration import random_potentials

FORMS = ("raw", "centred", "weighted")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("where", ["emissions", "transitions", "start", "end"])
def test_a_forbidding_teacher_of_chains_is_named(form, where):
    student, teacher = (random_chains([3, 1], 2, seed=seed) for seed in (0, 1))
    getattr(teacher, where).view(-1)[0] = float("-inf")
    objective = Substructured(match="scores", form=form, mix=1.0 if form == "weighted" else None)
    with pytest.raises(ValueError, match=f"the teacher has -inf in its {where}; match 'predic"):
        objective(student, teacher)


@pytest.mark.parametrize("form", ["raw", "centred"])
@pytest.mark.parametrize("where", ["arcs", "labels"])
def test_a_forbidding_teacher_of_trees_is_named(form, where):
    student, teacher = (random_potentials([3, 1], labels=2, seed=seed) for seed in (0, 1))
    getattr(teacher, where)[0, 0, 0] = float("-inf")
    with pytest.raises(ValueError, match=f"the teacher has -inf in its {where}; match 'predic"):
        Substructured(match="scores", form=form)(student, teacher)


def test_padding_may_be_anything():
    student, teacher = (random_chains([3, 1], 2, seed=seed) for seed in (0, 1))
    teacher.emissions[~teacher.mask] = float("-inf")
    assert torch.isfinite(Substructured(match="scores")(student, teacher)).all()


def test_a_student_that_diverged_is_not_the_teachers_fault():
    student, teacher = (random_chains([3, 1], 2, seed=seed) for seed in (0, 1))
    student.emissions[0, 0, 0] = float("nan")
    assert Substructured(match="scores")(student, teacher).isnan().any()
