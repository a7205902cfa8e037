"""Squared differences of the scores of a chain's sub-structures, in closed form."""

from typing import NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.objectives.chain.allowed_tags import AllowedTags
from allennlp_kd.objectives.chain.orthogonal_squares import OrthogonalSquares
from allennlp_kd.objectives.numerics.finite_scores import unless_forbidden
from allennlp_kd.objectives.numerics.huber import huber_loss
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.pairs import compares


class Difference(NamedTuple):
    """Student minus teacher scores, with start and end added to the emissions.

    # Parameters

    nodes : `Tensor`
        Shape `(batch, length, tags)`, 0 in padded cells.
    edges : `Tensor`
        Shape `(tags, tags)`.
    """

    nodes: Tensor
    edges: Tensor


def difference(student: ChainPotentials, teacher: ChainPotentials, ends: bool = True) -> Difference:
    """Computes the score differences that objectives over scores use."""
    padding = ~student.mask.unsqueeze(-1)
    # Padding is filled first, because it may contain any value.
    nodes = student.emissions.masked_fill(padding, 0.0) - teacher.emissions.masked_fill(
        padding, 0.0
    )
    if ends:
        first = torch.zeros_like(student.mask)
        first[:, :1] = student.mask[:, :1]
        last = student.mask & ~torch.nn.functional.pad(student.mask[:, 1:], (0, 1))
        nodes = nodes + first.unsqueeze(-1) * (student.start - teacher.start)
        nodes = nodes + last.unsqueeze(-1) * (student.end - teacher.end)
    return Difference(nodes, student.transitions - teacher.transitions)


@compares
def emission_scores(
    student: ChainPotentials, teacher: ChainPotentials, huber: Optional[float] = None
) -> Tensor:
    """Sum over words of the mean over tags of (e_S[i, y] - e_T[i, y])^2; shape `(batch,)`.

    Tags that the teacher's emissions forbid are left out of the mean. `huber`: see `huber_loss`.
    """
    student, teacher = in_full_precision(student), in_full_precision(teacher)
    nodes = difference(student, teacher, ends=False).nodes

    def over_allowed() -> Tensor:
        return AllowedTags(student, teacher, ends=False).emission_scores(huber)

    losses = huber_loss(nodes, huber).mean(-1).sum(1)
    return unless_forbidden(losses, teacher, over_allowed)


@compares
def raw_scores(student: ChainPotentials, teacher: ChainPotentials) -> Tensor:
    """Sum over words of the mean over the word's parts of the squared score difference.

    A part is a node at the first word and an edge with its node at each later one. With n the difference
    of the nodes, t that of the edges and c[y] = mean_{y'} t[y', y], the mean over an edge's T^2 cells is

        mean_{y', y} (n[y] + t[y', y])^2 = mean_y (n[y] + c[y])^2 + mean_{y', y} (t[y', y] - c[y])^2,

    so no table of cells is ever made: O(length * tags + tags^2). Parts with a tag that the teacher
    forbids are left out of the means; then it is O(length * tags^2).
    """
    student, teacher = in_full_precision(student), in_full_precision(teacher)
    return unless_forbidden(
        _squares(student, teacher, False),
        teacher,
        lambda: AllowedTags(student, teacher).raw_scores(),
    )


@compares
def centred_scores(
    student: ChainPotentials, teacher: ChainPotentials, huber: Optional[float] = None
) -> Tensor:
    """The variance, over all tag sequences, of the score difference; shape `(batch,)`.

    The transitions' difference is split into mean + row part + column part + remainder. The row part
    belongs to the emissions of all words but the last, the column part to those of all but the first. Each
    word's emissions are then centered over the tags. These parts are orthogonal, so

        Var = sum_i mean_y(node[i, y]^2) + (words - 1) mean(remainder^2).

    With `huber` each of these centered cells has a `huber_loss` in place of its square. Where the
    teacher forbids tags, it is the variance over the sequences of the others, in
    O(length * tags^2); see `AllowedTags`.
    """
    student, teacher = in_full_precision(student), in_full_precision(teacher)
    return unless_forbidden(
        _squares(student, teacher, True) if huber is None else _huber(student, teacher, huber),
        teacher,
        lambda: AllowedTags(student, teacher).centred_scores(huber),
    )


def _huber(student: ChainPotentials, teacher: ChainPotentials, huber: float) -> Tensor:
    nodes, edges = difference(student, teacher)
    rows, columns = edges.mean(1), edges.mean(0)
    remainder = edges - rows.unsqueeze(1) - columns + edges.mean()
    later = student.mask[:, 1:].unsqueeze(-1)
    nodes = nodes.clone()
    nodes[:, 1:] = nodes[:, 1:] + later * columns
    nodes[:, :-1] = nodes[:, :-1] + later * rows
    nodes = (nodes - nodes.mean(-1, keepdim=True)) * student.mask.unsqueeze(-1)
    steps = student.mask[:, 1:].sum(1)
    return huber_loss(nodes, huber).mean(-1).sum(1) + steps * huber_loss(remainder, huber).mean()


def _squares(student: ChainPotentials, teacher: ChainPotentials, centred: bool) -> Tensor:
    losses: Tensor = OrthogonalSquares.apply(
        *scores_of(student), scores_of(teacher), student.mask, centred
    )
    return losses


def scores_of(potentials: ChainPotentials) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns emissions, transitions, start and end."""
    return potentials.emissions, potentials.transitions, potentials.start, potentials.end
