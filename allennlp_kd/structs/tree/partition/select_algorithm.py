"""Selects elimination in probability space or in log space for each sentence."""

from torch import Tensor

from allennlp_kd.structs.tree.partition.elimination import Elimination
from allennlp_kd.structs.tree.partition.log_space import log_sum_in_log_space
from allennlp_kd.structs.tree.partition.sum_of_trees import SumOfTrees


def log_sum(scores: Tensor, mask: Tensor, single_root: bool, projective: bool) -> Tensor:
    """The log of the sum of exp(score) over all trees of a kind.

    Where arcs may cross, weights are eliminated as they are, and then in log space again only those
    sentences of the batch whose numbers have underflowed by more than nothing
    (`Elimination.exact`).

    # Parameters

    scores : `Tensor`
        Shape `(batch, length, length + 1)`, -inf in cells that are not arcs.
    mask : `Tensor`
        Shape `(batch, length)`.

    # Returns

    `Tensor`
        Shape `(batch,)`, float64; -inf where every tree is forbidden.
    """
    scores = scores.double()
    if projective or mask.shape[1] == 0:
        return log_sum_in_log_space(scores, mask, single_root, projective)
    elimination = Elimination(scores, mask, single_root)
    exact = elimination.exact
    if bool(exact.all()):
        return SumOfTrees.apply(scores, mask, elimination)
    if not bool(exact.any()):
        return log_sum_in_log_space(scores, mask, single_root, projective)
    total = scores.new_zeros(mask.shape[0])
    for rows, in_log_space in ((exact, False), (~exact, True)):
        rows = rows.nonzero().squeeze(1)
        some, words = scores.index_select(0, rows), mask.index_select(0, rows)
        if in_log_space:
            part = log_sum_in_log_space(some, words, single_root, projective)
        else:
            part = SumOfTrees.apply(some, words, Elimination(some, words, single_root))
        total = total.index_copy(0, rows, part)
    return total
