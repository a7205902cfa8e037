"""The sum over all projective trees, or the best one: Eisner's inside algorithm."""

from typing import Callable, List

import torch
from torch import Tensor


def log_sum_over_projective_trees(scores: Tensor, lengths: Tensor) -> Tensor:
    """The log of the sum of exp(score) over all projective trees under ROOT (Eisner, 1996).

    # Parameters

    scores : `Tensor`
        Shape `(batch, length, length + 1)`, finite; the diagonal is not read.
    lengths : `Tensor`
        Shape `(batch,)`.

    # Returns

    `Tensor`
        Shape `(batch,)`.
    """
    return _inside(scores, lengths, lambda parts: torch.logsumexp(parts, dim=2))


def best_projective_score(scores: Tensor, lengths: Tensor) -> Tensor:
    """The score of the best projective tree; its gradient is 1 at the arcs of the tree and 0
    elsewhere.
    """
    return _inside(scores, lengths, lambda parts: parts.max(dim=2).values)


def _inside(scores: Tensor, lengths: Tensor, reduce: Callable[[Tensor], Tensor]) -> Tensor:
    """Eisner's inside algorithm, O(length^3); all spans of a width are computed together.

    Position 0 is ROOT, the words follow. Each list holds, by width w, the scores of spans (i, i +
    w) for all i, shape `(batch, length + 1 - w)`: `right` complete ones headed at i, `left` at i
    + w, and the same with the arc between both ends as the last step (incomplete).
    """
    # ROOT is never a dependent; its row keeps the indices equal.
    # Shape: (batch, positions, positions)
    scores = torch.nn.functional.pad(scores, (0, 0, 1, 0))
    batch, positions, _ = scores.shape
    right, left = [scores.new_zeros(batch, positions)], [scores.new_zeros(batch, positions)]
    right_arcs: List[Tensor] = [right[0]]  # there are no spans of width 0, so these are never read
    left_arcs: List[Tensor] = [left[0]]
    for width in range(1, positions):
        spans = positions - width
        # Two adjacent complete halves, then the arc between the ends.
        inner = reduce(_from_left(right, 0, width, spans) + _to_right(left, 0, width, spans))
        right_arcs.append(inner + scores.diagonal(-width, 1, 2))
        left_arcs.append(inner + scores.diagonal(width, 1, 2))
        # An arc from the head, and the subtree of its other end.
        right.append(
            reduce(_from_left(right_arcs, 1, width + 1, spans) + _to_right(right, 0, width, spans))
        )
        left.append(
            reduce(_from_left(left, 0, width, spans) + _to_right(left_arcs, 1, width + 1, spans))
        )
    # Shape: (batch, positions)
    of_sentences = torch.stack([chart[:, 0] for chart in right], dim=1)
    return of_sentences.gather(1, lengths.unsqueeze(1)).squeeze(1)


def _from_left(charts: List[Tensor], low: int, high: int, spans: int) -> Tensor:
    """Spans with the same start as each of `spans`, with widths from low to high - 1, ascending."""
    return torch.stack([charts[width][:, :spans] for width in range(low, high)], dim=2)


def _to_right(charts: List[Tensor], low: int, high: int, spans: int) -> Tensor:
    """Spans with the same end as each of `spans`, with widths from high - 1 to low, descending."""
    return torch.stack([charts[width][:, -spans:] for width in range(high - 1, low - 1, -1)], dim=2)
