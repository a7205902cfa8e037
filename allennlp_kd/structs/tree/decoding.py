"""Maximum spanning tree decoding, projective or non-projective."""

from typing import Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.numerics.execution import exact
from allennlp_kd.structs.numerics.finite import unordered_row
from allennlp_kd.structs.numerics.log_probabilities import NOTHING
from allennlp_kd.structs.tree.blocks import over_label_scores
from allennlp_kd.structs.tree.partition.projective import best_projective_score
from allennlp_kd.structs.tree.potentials import TreePotentials
from allennlp_kd.structs.tree.spanning.arborescence import maximum_spanning_arborescence
from allennlp_kd.structs.tree.spanning.single_root import finite_scores, penalized_root
from allennlp_kd.structs.tree.trees import are_trees


def best_labels(potentials: TreePotentials) -> Tensor:
    """The log probability of the best label of each arc, shape `(batch, length, length + 1)`.

    -inf where all labels are forbidden. What stands in cells that are not arcs means nothing.
    """

    def of_block(scores: Tensor) -> Tensor:
        best = scores.amax(dim=3)
        found = best - scores.logsumexp(dim=3)
        return found.masked_fill(best == NOTHING, NOTHING)

    return over_label_scores(of_block, potentials)


@exact
def maximum_spanning_tree(
    potentials: TreePotentials, single_root: bool = True, projective: bool = False
) -> Tuple[Tensor, Optional[Tensor], Tensor]:
    """Finds the highest-scoring tree, with labels if there are any. Not differentiable.

    Where the best head of each word, chosen separately, makes a tree of the kind asked for, that is
    the answer, for the whole batch at once; only the other sentences are searched.

    # Returns

    `Tuple[Tensor, Optional[Tensor], Tensor]`
        Heads and labels of shape `(batch, length)`, 0 in padding, and scores of shape `(batch,)`:
        those of `score`. For a sentence without an allowed tree the score is -inf and the heads
        any tree.
    """
    if torch.is_grad_enabled():
        # So that the cache of the caller's potentials keeps nothing without autograd history.
        potentials = potentials.detach()
    with torch.no_grad():
        scores = potentials.arc_scores
        if potentials.labels is not None:
            scores = scores + best_labels(potentials).masked_fill(~potentials.arc_mask, 0)
        if projective:
            heads = best_projective_heads(scores, potentials.mask, single_root)
        else:
            heads = best_heads(scores, potentials.mask, single_root)
        total = scores.gather(2, heads.unsqueeze(2)).squeeze(2)
        total = total.masked_fill(~potentials.mask, 0).sum(dim=1)
        if single_root:  # if no tree has exactly one word on ROOT, the best tree with several
            roots = ((heads == 0) & potentials.mask).sum(dim=1)
            total = total.masked_fill(roots > 1, NOTHING)
        labels = None
        if potentials.labels is not None:
            labels = potentials.label_scores_of(heads).argmax(dim=2)
            labels = labels.masked_fill(~potentials.mask, 0)
        return heads, labels, total


@exact
def best_heads(scores: Tensor, mask: Tensor, single_root: bool = True) -> Tensor:
    """Finds the heads of the highest-scoring tree.

    # Parameters

    scores : `Tensor`
        Shape `(batch, length, length + 1)`, -inf in cells that are not arcs.
    mask : `Tensor`
        Shape `(batch, length)`.

    # Returns

    `Tensor`
        Shape `(batch, length)`, 0 in padded cells.

    # Raises

    ValueError
        If the score of an arc is NaN or infinity; the message names the sentence.
    """
    refuse_unordered(scores)
    heads = scores.argmax(dim=2).masked_fill(~mask, 0)
    possible = (scores.amax(dim=2) > NOTHING) | ~mask
    done = are_trees(heads, mask, single_root) & possible.all(dim=1)
    rest = (~done).nonzero().squeeze(1)
    if len(rest) == 0:
        return heads
    rest_mask = mask[rest]
    rest_scores = finite_scores(scores[rest], rest_mask)
    if single_root:
        rest_scores, _ = penalized_root(rest_scores, rest_mask)
    lengths = rest_mask.sum(dim=1).tolist()
    for row, length, table in zip(rest.tolist(), lengths, rest_scores.cpu().numpy()):
        found = maximum_spanning_arborescence(table[:length, : length + 1])
        heads[row, :length] = torch.from_numpy(found).to(heads)
    return heads


@exact
def best_projective_heads(scores: Tensor, mask: Tensor, single_root: bool = True) -> Tensor:
    """Like `best_heads`, but only projective trees."""
    refuse_unordered(scores)
    with torch.enable_grad():
        leaf = finite_scores(scores.detach(), mask).requires_grad_()
        table = penalized_root(leaf, mask)[0] if single_root else leaf
        best = best_projective_score(table, mask.sum(dim=1))
        if not best.requires_grad:  # no sentence has a word
            return torch.zeros_like(mask, dtype=torch.long)
        (chosen,) = torch.autograd.grad(best.sum(), leaf)
    return chosen.argmax(dim=2).masked_fill(~mask, 0)


def refuse_unordered(scores: Tensor) -> None:
    """
    # Raises

    ValueError
        If the score of an arc is NaN or infinity; the message names the sentence.
    """
    row = unordered_row(scores)
    if row is not None:
        what = "NaN" if bool(torch.isnan(scores[row]).any()) else "infinity"
        raise ValueError(f"row {row} has arcs with the score {what}, so it has no best tree")
