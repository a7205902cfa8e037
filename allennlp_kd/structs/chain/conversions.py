"""Projects a distribution over sequences onto a chain without transitions.

What the student's factorization cannot hold is summed out of the teacher's distribution (Wang et al.,
"Structural knowledge distillation: tractably distilling information for structured predictor", 2021):
the marginals of the student's sub-structures are what there is to learn.
"""

import torch
from torch import Tensor

from allennlp_kd.structs.chain.marginals import log_node_marginals
from allennlp_kd.structs.chain.potentials import ChainPotentials


def independent(potentials: ChainPotentials) -> ChainPotentials:
    """Returns the chain of independent words that keeps each word's tag distribution:

        emissions[i, j] = log p(y_i = j),  transitions = start = end = 0.

    Among all distributions with independent words it is the nearest in KL(p || q). A chain without
    transitions stays the distribution that it is.

    # Parameters

    potentials : `ChainPotentials`
        With a sequence of finite score for each sentence.

    # Returns

    `ChainPotentials`
        Normalized: the log partition is 0.
    """
    return independent_of(log_node_marginals(potentials), potentials.mask)


def independent_of(log_marginals: Tensor, mask: Tensor) -> ChainPotentials:
    """Returns the chain of independent words with the given tag distributions.

    # Parameters

    log_marginals : `Tensor`
        Shape `(batch, length, tags)`, the logarithms of each word's probabilities; -inf forbids a
        tag. What stands in padding is not read.
    mask : `Tensor`
        Shape `(batch, length)`, boolean.

    # Raises

    ValueError
        If a word has no tag that is possible; it names sentence and word.
    """
    impossible = mask & torch.isneginf(log_marginals).all(dim=2)
    if bool(impossible.any()):
        row, word = impossible.nonzero()[0].tolist()
        raise ValueError(f"no tag is possible for word {word + 1} of sentence {row} of the batch")
    emissions = log_marginals.masked_fill(~mask.unsqueeze(2), 0)
    tags = log_marginals.shape[2]
    return ChainPotentials(emissions, mask, transitions=emissions.new_zeros(tags, tags))
