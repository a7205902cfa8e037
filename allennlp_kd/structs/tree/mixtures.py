"""Combines several tree potentials over the same sentences and labels into one."""

from typing import Optional, Sequence, Union

import torch
from torch import Tensor

from allennlp_kd.structs.numerics.finite import check_centrable
from allennlp_kd.structs.numerics.log_probabilities import log_normalized
from allennlp_kd.structs.numerics.mixing import check_members, log_weighted_sum, weighted_sum
from allennlp_kd.structs.tree.labels.factored_labels import FactoredLabels
from allennlp_kd.structs.tree.local import log_head_probabilities
from allennlp_kd.structs.tree.potentials import TreePotentials


def mean_potentials(members: Sequence[TreePotentials], weights: Sequence[float]) -> TreePotentials:
    """The weighted mean of the scores: the normalized geometric mean of the distributions over
    heads, over trees, and over the labels of an arc,

        p(l | d, h) ~ product over members m of p_m(l | d, h)^w_m.

    Arcs are centered over the heads of each word, so that none is louder by a constant. Labels need
    it not: a constant over an arc's labels changes nothing, so the mean of the scores is that of
    their log softmax.

    Where all members' labels are factored, so are these: the mean of bilinear forms is one in the
    members' vectors one behind the other, whose weights stand in blocks on the diagonal. A word has
    the vectors of all members, and the weights, held once, take labels * (sum of dimensions)^2
    numbers. Where one member's are not, all labels of all arcs are held.

    # Parameters

    members : `Sequence[TreePotentials]`
        Of the same words and labels; all with labels, or all without.
    weights : `Sequence[float]`
        Greater than 0, of the sum 1.

    # Raises

    ValueError
        If the members do not fit each other (`check_members`), or an arc is forbidden or NaN.
    """
    check_members(members, weights)
    first = members[0]
    arcs = [_centred(member) for member in members]
    return TreePotentials(weighted_sum(arcs, weights), first.mask, _mean_labels(members, weights))


def _centred(potentials: TreePotentials) -> Tensor:
    """Centers the arc scores over each word's heads; 0 in padding.

    A word as its own head, over which stock normalizes, moves along.
    """
    arcs = potentials.arcs.masked_fill(~potentials.arc_mask, 0)
    check_centrable({"arcs": arcs})
    heads = potentials.arc_mask.sum(dim=2, keepdim=True).clamp(min=1)
    inside = potentials.mask.unsqueeze(2) & torch.nn.functional.pad(
        potentials.mask, (1, 0), value=True
    ).unsqueeze(1)
    arcs = potentials.arcs - arcs.sum(dim=2, keepdim=True) / heads
    return arcs.masked_fill(~inside, 0)


def _mean_labels(
    members: Sequence[TreePotentials], weights: Sequence[float]
) -> Optional[Union[Tensor, FactoredLabels]]:
    """Returns the mean label scores, shape `(batch, length, length + 1, labels)`, or their factors;
    `None` without labels.
    """
    if members[0].labels is None:
        return None
    parts = [member.label_parts for member in members]
    factors = [part for part in parts if isinstance(part, FactoredLabels)]
    if len(factors) < len(parts):
        return weighted_sum([member.label_scores() for member in members], weights)
    blocks = [weight * part.weight for part, weight in zip(factors, weights)]
    return FactoredLabels(
        head=torch.cat([part.head for part in factors], dim=2),
        dependent=torch.cat([part.dependent for part in factors], dim=2),
        weight=_on_diagonal(blocks),
        bias=weighted_sum([part.bias for part in factors], weights),
    )


def _on_diagonal(blocks: Sequence[Tensor]) -> Tensor:
    """Places blocks of shape `(labels, rows, columns)` on the diagonal: `(labels, sum of rows, sum
    of columns)`.
    """
    rows, columns = (sum(block.shape[axis] for block in blocks) for axis in (1, 2))
    found = blocks[0].new_zeros(blocks[0].shape[0], rows, columns)
    row = column = 0
    for block in blocks:
        _, height, width = block.shape
        found[:, row : row + height, column : column + width] = block
        row, column = row + height, column + width
    return found


def mean_marginals(members: Sequence[TreePotentials], weights: Sequence[float]) -> TreePotentials:
    """Returns potentials whose distributions over heads and labels are, for each word, the weighted
    mean of the members':

        arcs[d, h] = log(sum over members m of w_m p_m(h | d)),
        labels[d, h, l] = log(sum over members m of w_m p_m(h | d) p_m(l | d, h)),

    where p(h | d) is a softmax over the heads of a word, as a head-selection parser has it. An arc's
    labels so count by how probable a member finds the arc.

    All labels of all arcs are held: batch * length * (length + 1) * labels numbers.

    # Parameters

    members : `Sequence[TreePotentials]`
        Of the same words and labels; all with labels, or all without.
    weights : `Sequence[float]`
        Greater than 0, of the sum 1.
    """
    check_members(members, weights)
    heads = [log_head_probabilities(member) for member in members]
    labels = None
    if members[0].labels is not None:
        joint = [
            log_heads.unsqueeze(3) + log_normalized(member.label_scores())
            for log_heads, member in zip(heads, members)
        ]
        # Cells that are not arcs have the log probability -inf, but label scores must be finite.
        labels = log_weighted_sum(joint, weights).masked_fill(~members[0].arc_mask.unsqueeze(3), 0)
    return TreePotentials(log_weighted_sum(heads, weights), members[0].mask, labels)
