"""Weighted sums over arcs, and a check that each word has a possible head."""

from torch import Tensor

from allennlp_kd.structs.tree.distribution import check_labels


def weighted_sum_of_arcs(weights: Tensor, per_arc: Tensor) -> Tensor:
    """Sums weight times value over the arcs of a sentence; an arc with weight 0 is ignored.

    # Parameters

    weights : `Tensor`
        Shape `(batch, length, length + 1)`, 0 in cells that are not arcs.
    per_arc : `Tensor`
        The same shape; NaN for arcs all of whose labels are forbidden.

    # Returns

    `Tensor`
        Shape `(batch,)`.

    # Raises

    ValueError
        If all labels of an arc of a weight are forbidden.
    """
    losses = (weights * per_arc.masked_fill(weights == 0, 0)).sum(dim=(1, 2))
    check_labels(losses, weights, per_arc)
    return losses


def check_heads_exist(log_p: Tensor, mask: Tensor) -> None:
    """
    # Parameters

    log_p : `Tensor`
        Shape `(batch, length, length + 1)`, scores or log probabilities of the teacher.
    mask : `Tensor`
        Shape `(batch, length)`.

    # Raises

    ValueError
        If all heads of a word are forbidden.
    """
    impossible = (log_p.detach().amax(2) == float("-inf")) & mask
    if bool(impossible.any()):
        row, word = impossible.nonzero()[0].tolist()
        raise ValueError(
            f"the teacher forbids all heads of word {word + 1} of sentence {row} of the batch"
        )
