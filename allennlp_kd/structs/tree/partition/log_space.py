"""The sum over trees in log space, for scores of any range."""

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
    """The log of the sum of exp(score) over all trees of a kind, differentiable by autograd.

    # Parameters

    scores : `Tensor`
        Shape `(batch, length, length + 1)`, -inf in cells that are not arcs.
    mask : `Tensor`
        Shape `(batch, length)`.

    # Returns

    `Tensor`
        Shape `(batch,)`, float64; -inf where every tree is forbidden.
    """
    scores = finite_scores(scores, mask)
    # Each word's best head is shifted to 0, so that forbidden arcs can be recognized by their size.
    # The shift is a constant without gradient.
    peak = scores.detach().amax(dim=2).clamp(min=FORBIDDEN / 4)
    scores = scores - peak.unsqueeze(2)
    if single_root:
        scores, penalty = penalized_root(scores, mask)
    if projective:
        total = log_sum_over_projective_trees(scores, mask.sum(dim=1))
    else:
        total = log_sum_over_trees(scores)
    # NaN does not mean that all trees are forbidden, so it stays NaN.
    nothing = total <= FORBIDDEN / 4
    if single_root:
        nothing = nothing | only_multi_root(total.detach(), penalty, mask)
        total = total + penalty
    return (total + (peak * mask).sum(dim=1)).masked_fill(nothing, float("-inf"))
