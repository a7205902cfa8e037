"""The sum over trees in log space, for scores of any spread."""

from torch import Tensor

from allennlp_kd.structs.tree.partition.non_projective import log_sum_over_trees
from allennlp_kd.structs.tree.partition.projective import log_sum_over_projective_trees
from allennlp_kd.structs.tree.spanning.single_root import (
    FORBIDDEN,
    finite_scores,
    only_multi_root,
    penalized_root,
)


def log_sum_in_log_space(
    scores: Tensor, mask: Tensor, single_root: bool, projective: bool
) -> Tensor:
    """The log of the sum of exp(score) over all trees of a kind, with autograd's tape.

    # Parameters

    scores : `Tensor`
        Shape `(batch, length, length + 1)`, -inf in cells which are no arc.
    mask : `Tensor`
        Shape `(batch, length)`.

    # Returns

    `Tensor`
        Shape `(batch,)`, float64; -inf where every tree is forbidden.
    """
    scores = finite_scores(scores, mask)
    # Each word's best head at 0, so that forbidden arcs are known by their size. A constant here,
    # so gradients pass by it.
    peak = scores.detach().amax(dim=2).clamp(min=FORBIDDEN / 4)
    scores = scores - peak.unsqueeze(2)
    if single_root:
        scores, penalty = penalized_root(scores, mask)
    if projective:
        total = log_sum_over_projective_trees(scores, mask.sum(dim=1))
    else:
        total = log_sum_over_trees(scores)
    # A NaN is no sum of forbidden trees and stays one.
    nothing = total <= FORBIDDEN / 4
    if single_root:
        nothing = nothing | only_multi_root(total.detach(), penalty, mask)
        total = total + penalty
    return (total + (peak * mask).sum(dim=1)).masked_fill(nothing, float("-inf"))
