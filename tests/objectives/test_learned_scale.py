"""The student's scores multiplied by a learned scalar."""

from dataclasses import replace

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from torch.testing import assert_close

from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.weighted_sum import WeightedSum
from allennlp_kd.structs.chain import with_marginals
from allennlp_kd.structs.tree import FactoredLabels, TreePotentials
from tests.objectives.chains import random_chains
from tests.structs.tree.enumeration import random_potentials

LENGTHS = [3, 1, 0, 2]
LOGARITHM = 0.4
CHAINS = [
    {"form": "raw"},
    {"form": "centred"},
    {"form": "emissions"},
    {"form": "emissions", "huber": 0.7},
    {"form": "weighted"},
    {"form": "weighted", "mix_with": "student"},
    {"huber": 0.7},
    {"match": "both", "scale": 0.3, "window": 1},
]
TREES = [
    {"form": "raw"},
    {"form": "centred", "parts": "arcs"},
    {"form": "centred", "parts": "labels"},
    {"form": "weighted"},
    {"form": "weighted", "mix_with": "student"},
    {"huber": 0.7},
    {"heads": "probable"},
    {"heads": "best", "best": 2},
    {"match": "both", "scale": 0.3},
]
# Of trees whether their labels are factored.
CASES = [
    *((None, options) for options in CHAINS),
    *((factored, options) for factored in (False, True) for options in TREES),
]
cases = pytest.mark.parametrize("factored,options", CASES, ids=str)


def pair(factored):
    """NaN in padding."""
    if factored is None:
        sides = [random_chains(LENGTHS, 3, seed, padding=1) for seed in (0, 1)]
        return sides[0], with_marginals(sides[1])
    return [random_potentials(LENGTHS, 2, factored, seed=seed, extra=1) for seed in (0, 1)]


def times(factor, side):
    """By hand."""
    if not isinstance(side, TreePotentials):
        names = ("emissions", "transitions", "start", "end")
        return replace(side, **{name: getattr(side, name) * factor for name in names})
    if isinstance(side.labels, FactoredLabels):
        bias, dependent = side.labels.bias * factor, side.labels.dependent * factor
        labels = replace(side.labels, bias=bias, dependent=dependent)
    else:
        labels = side.labels * factor
    return replace(side, arcs=side.arcs * factor, labels=labels)


def built(logarithm=LOGARITHM, **options):
    found = Substructured(**{"match": "scores", "learned_scale": True, **options})
    found.learned.double()
    found.learned.logarithm.data.fill_(logarithm)
    return found


def plain(**options):
    return Substructured(**{"match": "scores", **options})


@cases
def test_is_the_loss_of_scores_multiplied_by_hand(factored, options):
    student, teacher = pair(factored)
    options = {**options, "temperature": 2.0}
    factor = torch.tensor(LOGARITHM).double().exp()
    expected = plain(**options)(times(factor, student), teacher)
    if options.get("match") == "both":  # whose predictions are not of the multiplied scores
        predictions = {"temperature": 2.0}
        predictions.update({k: v for k, v in options.items() if k == "window"})
        expected = expected + Substructured(**predictions)(student, teacher)
        expected = expected - Substructured(**predictions)(times(factor, student), teacher)
    assert_close(built(**options)(student, teacher).detach(), expected)
    before = plain(**options)(student, teacher)
    assert_close(built(0.0, **options)(student, teacher).detach(), before, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(before, expected)


@cases
def test_the_gradient_of_the_logarithm_against_finite_differences(factored, options):
    """What stands in padding is NaN, and reaches no gradient."""
    student, teacher = pair(factored)
    objective, step = built(**options), 1e-5
    objective(student, teacher).sum().backward()
    gradient = objective.learned.logarithm.grad
    if options.get("mix_with") == "student":  # the weights depend on it, and have no gradient
        assert torch.isfinite(gradient).all() and gradient.abs() > 1e-3
        return
    with torch.no_grad():
        above, below = (
            built(LOGARITHM + side, **options)(student, teacher).sum() for side in (step, -step)
        )
    assert_close(gradient, ((above - below) / (2 * step)).reshape(1), rtol=1e-6, atol=1e-7)
    assert gradient.abs() > 1e-3


@pytest.mark.parametrize("factored", [None, False, True])
def test_the_student_s_gradient_is_multiplied(factored):
    student, teacher = pair(factored)
    name = "emissions" if factored is None else "arcs"
    scores = getattr(student, name).requires_grad_()
    built()(student, teacher).sum().backward()
    factor = torch.tensor(LOGARITHM).double().exp()
    leaf = (scores.detach() * factor).requires_grad_()
    other = replace(times(factor, student), **{name: leaf})
    plain()(other, teacher).sum().backward()
    assert_close(scores.grad, factor * leaf.grad)
    assert torch.isfinite(scores.grad).all() and scores.grad.any()


@pytest.mark.parametrize("factored,form", [(None, "raw"), (None, "centred"), (None, "emissions"),
                                           (False, "raw"), (True, "centred")])  # fmt: skip
def test_the_scale_alone_cannot_bring_the_loss_to_zero(factored, form):
    """It is |a s - t|^2, whose least is |t|^2 - <s, t>^2 / |s|^2."""
    student, teacher = pair(factored)
    zero, one, two = (plain(form=form)(times(a, student), teacher).sum() for a in (0.0, 1.0, 2.0))
    square = (zero - 2 * one + two) / 2
    product = (square + zero - one) / 2
    least = zero - product**2 / square
    assert least > 0.1 * zero > 0
    losses = []
    for logarithm in torch.linspace(-30, 10, 401).tolist():
        with torch.no_grad():
            losses.append(built(logarithm, form=form)(student, teacher).sum())
    assert min(losses) >= least * (1 - 1e-9)
    # Not even where all of the student's scores vanish with it.
    assert_close(losses[0], zero)


@pytest.mark.parametrize("factored", [None, False])
def test_finds_the_sharpness_of_a_teacher_that_is_a_multiple(factored):
    student, _ = pair(factored)
    teacher, objective = times(3.0, student), built(0.0)
    assert objective(student, teacher).sum() > 1
    optimizer = torch.optim.LBFGS(objective.learned.parameters(), line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = objective(student, teacher).sum()
        loss.backward()
        return loss

    for _ in range(3):
        optimizer.step(closure)
    assert_close(objective.learned.logarithm.exp(), torch.tensor([3.0]).double(), rtol=1e-4, atol=0)
    assert objective(student, teacher).sum() < 1e-6


def test_without_labels():
    student, teacher = (side.without_labels() for side in pair(False))
    factor = torch.tensor(LOGARITHM).double().exp()
    expected = plain()(replace(student, arcs=student.arcs * factor), teacher)
    assert_close(built()(student, teacher).detach(), expected)


def test_half_precision_is_raised():
    student, _ = pair(None)
    student = replace(student, emissions=student.emissions.bfloat16())
    objective = Substructured(match="scores", form="emissions", learned_scale=True)
    scaled = objective.learned(student)
    assert scaled.emissions.dtype == torch.float


def test_what_is_learned():
    assert Substructured(match="scores").learned is None
    found = Substructured(match="scores", learned_scale=True)
    assert [name for name, _ in found.learned.named_parameters()] == ["logarithm"]
    assert found.learned.logarithm.tolist() == [0.0] and found.layers == ()
    members = {"local": Substructured(), "scores": found}
    assert list(WeightedSum(members).learned.state_dict()) == ["0.logarithm"]


def test_predictions_have_none():
    match = "learned_scale true is for scores, but match is 'predictions'"
    with pytest.raises(ConfigurationError, match=match):
        Substructured(learned_scale=True)
    assert Substructured(learned_scale=False).learned is None
