"""The single-root constraint as a penalty on the scores of ROOT arcs."""

from typing import Tuple

import torch
from torch import Tensor

# Replaces -inf where arithmetic must stay finite. Sums over a sentence are far from any score and
# from overflow in float64.
FORBIDDEN = -1e15

# The minimum advantage, in nats, of any single-root tree over all multi-root trees together.
_LEAD = 40


def finite_scores(scores: Tensor, mask: Tensor) -> Tensor:
    """Returns arc scores in float64, with `FORBIDDEN` for -inf, and ROOT as the only head of padded
    words.

    # Parameters

    scores : `Tensor`
        Shape `(batch, length, length + 1)`, -inf in cells that are not arcs.
    mask : `Tensor`
        Shape `(batch, length)`.
    """
    scores = scores.double()
    scores = torch.where(scores == float("-inf"), torch.full_like(scores, FORBIDDEN), scores)
    padded = torch.full_like(scores, FORBIDDEN)
    padded[..., 0] = 0
    return torch.where(mask.unsqueeze(2), scores, padded)


def penalized_root(scores: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
    """Subtracts a penalty from arcs from ROOT, so that trees with one of them always beat trees
    with several.

    With m arcs from ROOT a tree loses m penalties. A penalty above the range of tree scores makes
    the best tree the best single-root tree (Stanojevic and Cohen, 2021). With log(number of
    trees) and 40 more, all multi-root trees together weigh less than exp(-40) of one single-root
    tree, less than what float64 can see; so a sum over all trees is the sum over single-root
    trees, after the penalty is added again (where there is one: `only_multi_root`).

    # Parameters

    scores, mask : `Tensor`
        As of and from `finite_scores`.

    # Returns

    `Tuple[Tensor, Tensor]`
        The penalized scores, and the penalties of shape `(batch,)`, 0 for sentences of length 0.
    """
    plain = scores.detach()
    lengths = mask.sum(dim=1)
    # Shape: (batch, length)
    forbidden = plain <= FORBIDDEN / 2
    worst = plain.masked_fill(forbidden, float("inf")).amin(dim=2)
    ranges = (plain.amax(dim=2) - worst).clamp(min=0)  # a word without a possible head: -inf, so 0
    penalty = ranges.sum(dim=1) + _log_trees(lengths) + _LEAD
    penalty = torch.where(lengths > 0, penalty, torch.zeros_like(penalty))
    loss = torch.zeros_like(scores)
    loss[..., 0] = penalty.unsqueeze(1) * mask
    return scores - loss, penalty


def only_multi_root(total: Tensor, penalty: Tensor, mask: Tensor) -> Tensor:
    """Whether a sum over trees contains only multi-root trees, because all others have forbidden
    arcs.

    With each word's best head at 0, a single-root tree loses at most the ranges of all words, so
    the sum is at least 40 above log(number of trees) - 2 penalties, where multi-root trees end.

    # Parameters

    total : `Tensor`
        Shape `(batch,)`, of scores from `penalized_root`, no penalty added.
    penalty, mask : `Tensor`
        As from and of `penalized_root`.

    # Returns

    `Tensor`
        Shape `(batch,)`, boolean.
    """
    lengths = mask.sum(dim=1)
    return (lengths > 0) & (total <= _log_trees(lengths) - 2 * penalty + _LEAD / 2)


def _log_trees(lengths: Tensor) -> Tensor:
    """An upper bound on the log of the number of trees over this many words."""
    return lengths * torch.log(lengths + 1.0)
