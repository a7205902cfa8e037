"""Converts other tree factorizations to and from arc scores.

The interface for a teacher that is not a head-selection parser: whatever yields arc marginals (a
second-order parser, an ensemble's votes) gives a `Teacher` its `potentials` by `of_arc_marginals`. No
second-order parser is among the stock models; that is only tested on an enumerated one.
"""

from typing import Optional

import torch
from torch import Tensor

from allennlp_kd.structs.chain.conversions import independent_of
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.numerics.log_probabilities import NOTHING, log_normalized
from allennlp_kd.structs.tree.local import log_head_probabilities
from allennlp_kd.structs.tree.potentials import TreePotentials


def of_arc_marginals(
    log_arcs: Tensor, mask: Tensor, log_labels: Optional[Tensor] = None
) -> TreePotentials:
    """Returns first-order potentials with the given distribution over each word's heads.

    A tree gives each word one head, so a word's arc marginals have the sum 1: they are the softmax
    that a head-selection parser has. (What the arcs of two words have to do with each other is lost;
    the distribution over whole trees of these scores has other marginals.)

    # Parameters

    log_arcs : `Tensor`
        Shape `(batch, length, length + 1)`, the log marginal of each arc, indexed `[dependent,
        head]`, 0 is ROOT. Cells that are not arcs are not read.
    mask : `Tensor`
        Shape `(batch, length)`, boolean.
    log_labels : `Tensor`, optional
        Shape `(batch, length, length + 1, labels)`, log p(label | arc), or any score of which that is
        the softmax.

    # Raises

    ValueError
        If a word's arcs have not the sum 1 (within 1e-3).
    """
    found = TreePotentials(log_arcs, mask, log_labels)
    sums = found.arc_scores.exp().sum(2)
    wrong = mask & ~((sums - 1).abs() <= 1e-3)
    if bool(wrong.any()):
        row, word = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"the arcs into word {word + 1} of sentence {row} of the batch have probabilities that "
            f"sum to {float(sums[row, word]):.6g}; the sum must be 1"
        )
    return found


def relative_tags(potentials: TreePotentials, offsets: Tensor, labels: Tensor) -> ChainPotentials:
    """Returns a chain of tags that encode the position of a word's head and the label of the arc.

    Parsing as sequence labelling with relative offsets (Strzyz et al., "Viable dependency parsing as
    sequence labeling", 2019), except that ROOT, as a head, has the offset 0, which no word has. The tag
    (o, l) of word d stands for the arc from word d + o with the label l, so that

        emissions[d, (o, l)] = log p(head of d = d + o) + log p(l | that arc),

    with the parser's distributions over the heads of a word and the labels of an arc. Transitions are
    0: a head-selection parser's words are independent. A tag whose head would lie outside the
    sentence is forbidden. Arcs of which there is no tag are left out, and the rest counts in
    proportion.

    # Parameters

    potentials : `TreePotentials`
        With labels.
    offsets : `Tensor`
        Shape `(tags,)`, integer.
    labels : `Tensor`
        Shape `(tags,)`, integer, indices of the potentials' labels.

    # Returns

    `ChainPotentials`
        Over these tags.

    # Raises

    ValueError
        If no tag is possible for a word.
    """
    batch, length, tags = potentials.batch_size, potentials.max_length, len(offsets)
    words = torch.arange(1, length + 1, device=potentials.arcs.device).unsqueeze(1)
    # Shape: (length, tags); ROOT is 0.
    heads = torch.where(offsets == 0, torch.zeros_like(words), words + offsets)
    outside = (heads < 0) | (heads > length) | ((heads == 0) & (offsets != 0))
    heads = heads.masked_fill(outside, 0)
    arcs = log_head_probabilities(potentials)
    found = arcs.gather(2, heads.expand(batch, length, tags))
    parts = [
        # One word at a time, so that the label scores of all arcs are never in memory at once.
        log_normalized(potentials.label_scores(word, word + 1))[:, 0][:, heads[word], labels]
        for word in range(length)
    ]
    if parts:
        found = found + torch.stack(parts, 1)
    return independent_of(found.masked_fill(outside, NOTHING), potentials.mask)
