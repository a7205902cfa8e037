"""Squared differences of the scores of a tree's sub-structures."""

from typing import Optional

import torch
from torch import Tensor

from allennlp_kd.objectives.numerics.huber import huber_loss
from allennlp_kd.objectives.tree.label_squares import LabelSquares
from allennlp_kd.structs.tree import TreePotentials, k_best_heads, log_head_probabilities
from allennlp_kd.structs.tree.blocks import over_label_scores


def raw_arc_scores(student: TreePotentials, teacher: TreePotentials) -> Tensor:
    """Sum over words of the mean over heads of (s_S[d, h] - s_T[d, h])^2; shape `(batch,)`."""
    squares = _arc_differences(student, teacher).square()
    return (all_heads(teacher) * squares).sum(dim=(1, 2))


def centred_arc_scores(
    student: TreePotentials,
    teacher: TreePotentials,
    weights: Optional[Tensor] = None,
    huber: Optional[float] = None,
) -> Tensor:
    """Sum over words of the variance over heads of s_S[d, h] - s_T[d, h]; shape `(batch,)`.

    Zero exactly when both give each word the same distribution over heads. As heads are chosen word
    by word, it is the variance, over all assignments of heads, of the difference of the two scores.

    # Parameters

    weights : `Tensor`, optional (default = `all_heads(teacher)`)
        Shape `(batch, length, length + 1)`, the distribution that heads are drawn from.
    huber : `float`, optional
        Each centred difference has a `penalty` in place of its square.
    """
    weights = all_heads(teacher) if weights is None else weights
    differences = _arc_differences(student, teacher)
    means = (weights * differences).sum(dim=2, keepdim=True)
    return (weights * huber_loss(differences - means, huber)).sum(dim=(1, 2))


def raw_label_scores(
    student: TreePotentials, teacher: TreePotentials, weights: Optional[Tensor] = None
) -> Tensor:
    """Sum over words of the weighted mean over heads of the mean over labels of the squared
    difference.

    # Parameters

    weights : `Tensor`, optional (default = `all_heads(teacher)`)
        Shape `(batch, length, length + 1)`, the weights of the heads of each word.

    # Returns

    `Tensor`
        Shape `(batch,)`.
    """
    return _label_differences(student, teacher, weights, centred=False)


def centred_label_scores(
    student: TreePotentials,
    teacher: TreePotentials,
    weights: Optional[Tensor] = None,
    huber: Optional[float] = None,
) -> Tensor:
    """As `raw_label_scores`, with the variance over an arc's labels in place of the mean square.

    A constant over an arc's labels changes no distribution, so it is taken out. Zero exactly when
    both give each arc (of a weight) the same distribution over labels. With the same weight for
    all heads, `centred_arc_scores` and this add up to the variance, over all assignments of heads
    and labels, of the difference of the two scores. `huber`: as in `centred_arc_scores`.
    """
    return _label_differences(student, teacher, weights, centred=True, huber=huber)


def weighted_label_scores(
    student: TreePotentials, teacher: TreePotentials, weights: Tensor, mix: float, mix_with: str
) -> Tensor:
    """As `centred_label_scores`, with the variance under a mixed distribution over an arc's labels.

    (1 - mix) * the teacher's distribution + mix * the uniform, or the student's.
    """

    def of_labels(student_scores: Tensor, teacher_scores: Tensor) -> Tensor:
        with torch.no_grad():
            other = student_scores.softmax(dim=3)
            if mix_with == "uniform":
                other = torch.full_like(other, 1 / other.shape[3])
            drawn = torch.lerp(teacher_scores.softmax(dim=3), other, mix)
        differences = student_scores - teacher_scores
        differences = differences - (drawn * differences).sum(dim=3, keepdim=True)
        return (drawn * differences.square()).sum(dim=3)

    per_arc = over_label_scores(of_labels, student, teacher)
    return (weights * per_arc.masked_fill(~teacher.arc_mask, 0)).sum(dim=(1, 2))


def all_heads(potentials: TreePotentials) -> Tensor:
    """The same weight for each head of a word, 0 where no arc is.

    Shape `(batch, length, length + 1)`.
    """
    cells = potentials.arc_mask.to(potentials.arcs.dtype)
    return cells / cells.sum(dim=2, keepdim=True).clamp(min=1)


def best_heads(teacher: TreePotentials, k: int) -> Tensor:
    """The same weight for the k best heads of a word, 0 for the rest; shape as `all_heads`."""
    heads, log_probabilities = k_best_heads(teacher, k)
    found = torch.isfinite(log_probabilities).to(teacher.arcs.dtype)
    found = found / found.sum(dim=2, keepdim=True).clamp(min=1)
    return torch.zeros_like(teacher.arcs).scatter_add(2, heads, found)


def probable_heads(teacher: TreePotentials) -> Tensor:
    """The teacher's probabilities of the heads of a word; shape as `all_heads`."""
    return log_head_probabilities(teacher).exp()


@torch.no_grad()
def mixed_heads(
    student: TreePotentials, teacher: TreePotentials, mix: float, mix_with: str
) -> Tensor:
    """(1 - mix) * `probable_heads(teacher)` + mix * `all_heads`, or the student's likewise."""
    other = all_heads(teacher) if mix_with == "uniform" else probable_heads(student)
    return torch.lerp(probable_heads(teacher), other, mix)


def _arc_differences(student: TreePotentials, teacher: TreePotentials) -> Tensor:
    """0 where no arc is; what stands there is not computed with."""
    nothing = ~teacher.arc_mask
    return student.arcs.masked_fill(nothing, 0) - teacher.arcs.masked_fill(nothing, 0)


def _label_differences(
    student: TreePotentials,
    teacher: TreePotentials,
    weights: Optional[Tensor],
    centred: bool,
    huber: Optional[float] = None,
) -> Tensor:
    if weights is None:
        weights = all_heads(teacher)

    def of_labels(student_scores: Tensor, teacher_scores: Tensor) -> Tensor:
        if huber is None:
            return LabelSquares.apply(student_scores, teacher_scores, centred)
        differences = student_scores - teacher_scores
        if centred:
            differences = differences - differences.mean(dim=3, keepdim=True)
        return huber_loss(differences, huber).mean(dim=3)

    per_arc = over_label_scores(of_labels, student, teacher)
    return (weights * per_arc.masked_fill(~teacher.arc_mask, 0)).sum(dim=(1, 2))
