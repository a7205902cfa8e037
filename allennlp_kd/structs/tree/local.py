"""The local distributions of a head-selection parser: heads of a word, labels of an arc."""

from typing import Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.numerics.execution import exact
from allennlp_kd.structs.numerics.log_probabilities import NOTHING, log_normalized
from allennlp_kd.structs.tree.potentials import TreePotentials


@exact
def log_head_probabilities(potentials: TreePotentials) -> Tensor:
    """The distribution over the heads of each word: a softmax over the word's arcs.

    # Returns

    `Tensor`
        Shape `(batch, length, length + 1)`; -inf in cells that are not arcs.
    """
    return log_normalized(potentials.arc_scores)


@exact
def log_label_probabilities(potentials: TreePotentials, heads: Tensor) -> Tensor:
    """The distribution over the labels of one arc into each word.

    # Parameters

    heads : `Tensor`
        Shape `(batch, length)`, integer.

    # Returns

    `Tensor`
        Shape `(batch, length, labels)`; what stands in padded rows means nothing.
    """
    return log_normalized(potentials.label_scores_of(heads))


@exact
def k_best_heads(potentials: TreePotentials, k: int) -> Tuple[Tensor, Tensor]:
    """The k most probable heads of each word, independently of other words.

    # Returns

    `Tuple[Tensor, Tensor]`
        Heads of shape `(batch, length, k)`, best first, and their log probabilities; where a word
        has fewer than k possible heads the rest is head 0 at -inf.

    # Raises

    ValueError
        If k is less than 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, found {k}")
    log_probabilities = log_head_probabilities(potentials)
    present = min(k, log_probabilities.shape[2])
    best, heads = log_probabilities.topk(present, dim=2)
    heads = heads.masked_fill(best == NOTHING, 0)
    missing = (0, k - present)
    return (
        torch.nn.functional.pad(heads, missing),
        torch.nn.functional.pad(best, missing, value=NOTHING),
    )
