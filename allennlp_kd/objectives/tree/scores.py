"""Squared differences of the scores of a tree's sub-structures."""

from typing import Callable, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.objectives.numerics.finite_scores import are_finite, check_scores
from allennlp_kd.objectives.numerics.huber import huber_loss
from allennlp_kd.objectives.tree.arcs import check_heads_exist, weighted_sum_of_arcs
from allennlp_kd.objectives.tree.label_squares import LabelSquares
from allennlp_kd.structs.numerics.execution import at_least_single, exact, raised
from allennlp_kd.structs.numerics.log_probabilities import NOTHING
from allennlp_kd.structs.numerics.pairs import compares
from allennlp_kd.structs.tree import TreePotentials, k_best_heads, log_head_probabilities
from allennlp_kd.structs.tree.blocks import several_over_label_scores

OfLabels = Callable[[Tensor, Tensor], Tuple[Tensor, ...]]


@compares
def raw_arc_scores(student: TreePotentials, teacher: TreePotentials) -> Tensor:
    """Sum over words of the mean over heads of (s_S[d, h] - s_T[d, h])^2; shape `(batch,)`.

    Heads that the teacher forbids are left out of the mean.
    """
    return _of_arcs(student, teacher, all_heads(teacher), lambda _, x: x.square())


@compares
def centred_arc_scores(
    student: TreePotentials,
    teacher: TreePotentials,
    weights: Optional[Tensor] = None,
    huber: Optional[float] = None,
) -> Tensor:
    """Sum over words of the variance over heads of s_S[d, h] - s_T[d, h]; shape `(batch,)`.

    Zero exactly when both give each word the same distribution over heads. As heads are chosen word
    by word, it is the variance, over all assignments of heads, of the difference of the two scores.
    Heads that the teacher forbids are left out.

    # Parameters

    weights : `Tensor`, optional (default = `all_heads(teacher)`)
        Shape `(batch, length, length + 1)`, the distribution that heads are drawn from.
    huber : `float`, optional
        Each centered difference has a `huber_loss` in place of its square.
    """
    weights = all_heads(teacher) if weights is None else weights
    return _of_arcs(student, teacher, weights, _centred(huber))


@compares
def raw_label_scores(
    student: TreePotentials, teacher: TreePotentials, weights: Optional[Tensor] = None
) -> Tensor:
    """Sum over words of the weighted mean over heads of the mean squared label score difference.

    Labels that the teacher forbids are left out of the mean.

    # Parameters

    weights : `Tensor`, optional (default = `all_heads(teacher)`)
        Shape `(batch, length, length + 1)`, the weights of the heads of each word.

    # Returns

    `Tensor`
        Shape `(batch,)`.
    """
    weights = all_heads(teacher) if weights is None else weights
    return _of_labels(student, teacher, weights, _squares(None, False), _uniform(None, False))[0]


@compares
def centred_label_scores(
    student: TreePotentials,
    teacher: TreePotentials,
    weights: Optional[Tensor] = None,
    huber: Optional[float] = None,
) -> Tensor:
    """Like `raw_label_scores`, but with the variance over an arc's labels instead of the mean
    square.

    Zero exactly when both give each arc (of a weight) the same distribution over labels. `huber`: as
    in `centred_arc_scores`.
    """
    weights = all_heads(teacher) if weights is None else weights
    return _of_labels(student, teacher, weights, _squares(huber), _uniform(huber))[0]


@compares
def weighted_label_scores(
    student: TreePotentials, teacher: TreePotentials, weights: Tensor, mix: float, mix_with: str
) -> Tensor:
    """Like `centred_label_scores`, but with the variance under a mixed distribution over labels.

    (1 - mix) * the teacher's distribution + mix * the uniform, or the student's.
    """
    functions = _mixed(mix, mix_with), _mixed_allowed(mix, mix_with)
    return _of_labels(student, teacher, weights, *functions)[0]


@compares
def centred_labelled_scores(
    student: TreePotentials,
    teacher: TreePotentials,
    huber: Optional[float] = None,
) -> Tensor:
    """The variance, over all assignments of heads and labels, of the score difference.

    The score of an assignment is the sum over words of s[d, h] and s[d, h, l], arc and label scores
    as they are given. With m[d, h] the mean over labels of the difference of the latter, it is by
    the law of total variance

        sum_d Var_h(s_S[d, h] - s_T[d, h] + m[d, h]) + sum_d mean_h Var_l(s_S[d, h, l] - s_T[d, h, l]).

    So a constant over all labels of an arc counts as one of the arc does, though the parser's
    distribution over labels does not change by it. What the teacher forbids is left out.

    # Parameters

    huber : `float`, optional
        Each centered difference, of an arc (with m) and of a label, has a `huber_loss` in place of
        its square.

    # Returns

    `Tensor`
        Shape `(batch,)`.
    """
    weights = all_heads(teacher)
    losses, means = _of_labels(student, teacher, weights, _squares(huber), _uniform(huber))
    return losses + _of_arcs(student, teacher, weights, _centred(huber), means)


@compares
def weighted_labelled_scores(
    student: TreePotentials, teacher: TreePotentials, weights: Tensor, mix: float, mix_with: str
) -> Tensor:
    """Like `centred_labelled_scores`, with heads drawn from `weights` and labels as in
    `weighted_label_scores`.
    """
    functions = _mixed(mix, mix_with), _mixed_allowed(mix, mix_with)
    losses, means = _of_labels(student, teacher, weights, *functions)
    return losses + _of_arcs(student, teacher, weights, _centred(None), means)


def all_heads(potentials: TreePotentials) -> Tensor:
    """Equal weights for all allowed heads of a word, 0 elsewhere.

    Shape `(batch, length, length + 1)`.

    # Raises

    ValueError
        If all heads of a word are forbidden.
    """
    cells = potentials.arc_mask & (potentials.arcs.detach() != NOTHING)
    weights = cells.to(at_least_single(potentials.arcs.dtype))
    numbers = weights.sum(dim=2, keepdim=True)
    if bool(((numbers == 0).squeeze(2) & potentials.mask).any()):
        check_heads_exist(potentials.arc_scores, potentials.mask)
    return weights / numbers.clamp(min=1)


@exact
def best_heads(teacher: TreePotentials, k: int) -> Tensor:
    """Equal weights for the k best heads of a word, 0 for the others; shape as in `all_heads`."""
    heads, log_probabilities = k_best_heads(teacher, k)
    check_heads_exist(log_probabilities, teacher.mask)
    found = torch.isfinite(log_probabilities).to(log_probabilities.dtype)
    found = found / found.sum(dim=2, keepdim=True).clamp(min=1)
    return torch.zeros_like(teacher.arc_scores).scatter_add(2, heads, found)


@exact
def probable_heads(teacher: TreePotentials) -> Tensor:
    """The teacher's probabilities of the heads of a word; shape as in `all_heads`."""
    log_probabilities = log_head_probabilities(teacher)
    check_heads_exist(log_probabilities, teacher.mask)
    return log_probabilities.exp()


@compares
@torch.no_grad()
def mixed_heads(
    student: TreePotentials, teacher: TreePotentials, mix: float, mix_with: str
) -> Tensor:
    """(1 - mix) * `probable_heads(teacher)` + mix * `all_heads`, or the student's probabilities.

    What the teacher forbids has no weight.
    """
    other = all_heads(teacher)
    if mix_with == "student":
        other = log_head_probabilities(student).exp().masked_fill(other == 0, 0)
        other = other / other.sum(dim=2, keepdim=True).clamp(min=torch.finfo(other.dtype).tiny)
    return torch.lerp(probable_heads(teacher).to(other.dtype), other, mix)


def _centred(huber: Optional[float]) -> Callable[[Tensor, Tensor], Tensor]:
    def of_arcs(weights: Tensor, differences: Tensor) -> Tensor:
        means = (weights * differences).sum(dim=2, keepdim=True)
        return huber_loss(differences - means, huber)

    return of_arcs


def _of_arcs(
    student: TreePotentials,
    teacher: TreePotentials,
    weights: Tensor,
    function: Callable[[Tensor, Tensor], Tensor],
    means: Optional[Tensor] = None,
) -> Tensor:
    """Sums a function of weights and differences over arcs; shape `(batch,)`.

    # Parameters

    means : `Tensor`, optional
        Shape `(batch, length, length + 1)`, what is added to the differences.
    """
    # Cells without weight are not computed: cells that are not arcs, and forbidden arcs.
    nothing = weights == 0
    of_student, of_teacher = (
        raised(side.arcs).masked_fill(nothing, 0) for side in (student, teacher)
    )

    def losses_of(of_student: Tensor) -> Tensor:
        differences = of_student - of_teacher
        if means is not None:
            differences = differences + means.masked_fill(nothing, 0)
        return (weights * function(weights, differences)).sum(dim=(1, 2))

    losses = losses_of(of_student)
    if are_finite(losses):
        return losses
    check_scores(teacher)
    lacking = of_student == NOTHING
    losses = losses_of(of_student.masked_fill(lacking, 0))
    return losses.masked_fill(lacking.flatten(1).any(1), float("inf"))


def _of_labels(
    student: TreePotentials,
    teacher: TreePotentials,
    weights: Tensor,
    function: OfLabels,
    over_allowed: OfLabels,
) -> Tuple[Tensor, Tensor]:
    """Sums the first value of a function of label scores over arcs with weights, and the second.

    # Parameters

    function, over_allowed : `Callable[[Tensor, Tensor], Tuple[Tensor, Tensor]]`
        Of student and teacher, shape `(..., labels)`, to a loss of each arc and the mean difference
        of its labels. The latter is taken where labels are forbidden.

    # Returns

    `Tuple[Tensor, Tensor]`
        Shapes `(batch,)` and `(batch, length, length + 1)`.
    """
    per_arc, means = several_over_label_scores(function, student, teacher)
    # Also for arcs without weight, because a gradient of 0 times inf is NaN.
    if not are_finite(per_arc):
        check_scores(teacher)
        per_arc, means = several_over_label_scores(over_allowed, student, teacher)
    return weighted_sum_of_arcs(weights, per_arc), means


def _squares(huber: Optional[float], centred: bool = True) -> OfLabels:
    """Mean squares, variances or Huber losses of finite scores under the uniform distribution."""

    def of_labels(student: Tensor, teacher: Tensor) -> Tuple[Tensor, Tensor]:
        if huber is None:
            found: Tuple[Tensor, Tensor] = LabelSquares.apply(student, teacher, centred)
            return found
        differences = student - teacher
        means = differences.mean(dim=3, keepdim=True)
        return huber_loss(differences - means, huber).mean(dim=3), means.squeeze(3)

    return of_labels


def _uniform(huber: Optional[float] = None, centred: bool = True) -> OfLabels:
    """Like `_squares`, but over the labels that the teacher allows."""

    def of_labels(student: Tensor, teacher: Tensor) -> Tuple[Tensor, Tensor]:
        allowed = (teacher != NOTHING).to(student.dtype)
        drawn = allowed / allowed.sum(dim=3, keepdim=True).clamp(min=1)
        return _under(drawn, student, teacher, huber, centred)

    return of_labels


def _mixed(mix: float, mix_with: str) -> OfLabels:
    """Variances of finite scores under (1 - mix) * the teacher's distribution + mix * the uniform
    or the student's.
    """

    def of_labels(student: Tensor, teacher: Tensor) -> Tuple[Tensor, Tensor]:
        with torch.no_grad():
            other = student.softmax(dim=3)
            if mix_with == "uniform":
                other = torch.full_like(other, 1 / other.shape[3])
            drawn = torch.lerp(teacher.softmax(dim=3).to(other.dtype), other, mix)
        differences = student - teacher
        means = (drawn * differences).sum(dim=3, keepdim=True)
        return (drawn * (differences - means).square()).sum(dim=3), means.squeeze(3)

    return of_labels


def _mixed_allowed(mix: float, mix_with: str) -> OfLabels:
    """Like `_mixed`, but over the labels that the teacher allows."""

    def of_labels(student: Tensor, teacher: Tensor) -> Tuple[Tensor, Tensor]:
        with torch.no_grad():
            none = (teacher == NOTHING).all(dim=3, keepdim=True)
            allowed = (teacher != NOTHING).to(student.dtype)
            if mix_with == "uniform":
                other = allowed
            else:
                best = student.amax(dim=3, keepdim=True).clamp(min=torch.finfo(student.dtype).min)
                other = (student - best).exp() * allowed
            total = other.sum(dim=3, keepdim=True)
            other = other / total.masked_fill(total == 0, 1)
            of_teacher = teacher.masked_fill(none, 0).softmax(dim=3).to(other.dtype)
            drawn = torch.lerp(of_teacher, other, mix).masked_fill(none, 0)
        return _under(drawn, student, teacher, None, True)

    return of_labels


def _under(
    drawn: Tensor, student: Tensor, teacher: Tensor, huber: Optional[float], centred: bool
) -> Tuple[Tensor, Tensor]:
    """The expectation under a label distribution: NaN if there is none, inf if the student forbids
    a label.
    """
    nothing = drawn == 0
    lacking = (student == NOTHING) & ~nothing
    differences = student.masked_fill(nothing | lacking, 0) - teacher.masked_fill(nothing, 0)
    means = (drawn * differences).sum(dim=3, keepdim=True)
    centre = means if centred else 0.0
    losses = (drawn * huber_loss(differences - centre, huber)).sum(dim=3)
    losses = losses.masked_fill(lacking.any(dim=3), float("inf"))
    return losses.masked_fill(nothing.all(dim=3), float("nan")), means.squeeze(3)
