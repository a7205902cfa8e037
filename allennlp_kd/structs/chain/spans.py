"""Distributions over labeled spans as a chain of BIO tags.

The interface for a teacher that scores spans: whatever yields `log p(span)` for the spans of a
sentence that do not overlap (a semi-Markov CRF, a span classifier with a dynamic program over it)
gives a `Teacher` its `potentials` by `bio_potentials`. No such teacher is among the stock models;
this is only tested on an enumerated semi-Markov model.
"""

from typing import Sequence, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.conversions import independent_of
from allennlp_kd.structs.chain.potentials import ChainPotentials

NOTHING = float("-inf")
OUTSIDE_FLOOR = 1e-12  # the remaining probability may be a rounding error


def bio_tags(labels: Sequence[str]) -> Tuple[str, ...]:
    """Returns the tags in the order of the functions below: `O`, then `B-` and `I-` of each label."""
    return ("O", *(f"{kind}-{label}" for label in labels for kind in "BI"))


def log_bio_marginals(log_spans: Tensor, mask: Tensor) -> Tensor:
    """Returns each word's BIO tag probabilities under a distribution over labeled spans.

    Spans do not overlap, so the events that are summed exclude each other:

        p(B-l at k) = sum_{j >= k} p(k, j, l),
        p(I-l at k) = sum_{i < k <= j} p(i, j, l),
        p(O at k)   = 1 - sum_l (p(B-l at k) + p(I-l at k)).

    # Parameters

    log_spans : `Tensor`
        Shape `(batch, length, length, labels)`, the log marginal of the span from word i to word j,
        both inclusive, indexed `[i, j]`; cells with j < i or in padding are not read.
    mask : `Tensor`
        Shape `(batch, length)`, boolean.

    # Returns

    `Tensor`
        Shape `(batch, length, 1 + 2 * labels)`, in the order of `bio_tags`; -inf in padding, and
        for a tag of no possible span. p(O) is at least 1e-12, of which a difference from 1 says
        nothing.

    # Raises

    ValueError
        If the shape is another, or the spans over a word have a sum that is larger than 1.
    """
    batch, length = mask.shape
    if log_spans.dim() != 4 or tuple(log_spans.shape[:3]) != (batch, length, length):
        raise ValueError(
            f"log_spans must have the shape {(batch, length, length, 'labels')}, "
            f"found {tuple(log_spans.shape)}"
        )
    places = torch.arange(length, device=mask.device)
    spans = (places.unsqueeze(1) <= places) & mask.unsqueeze(1) & mask.unsqueeze(2)
    log_spans = log_spans.masked_fill(~spans.unsqueeze(3), NOTHING)
    begins = _log_sum(log_spans, 2)
    inside = []
    for word in range(length):
        over = (places < word).unsqueeze(1) & (places >= word)
        covering = log_spans.masked_fill(~over.unsqueeze(2), NOTHING)
        inside.append(_log_sum(covering.flatten(1, 2), 1))
    # Shape: (batch, length, labels, 2)
    tags = torch.stack([begins, torch.stack(inside, 1) if inside else begins], 3).flatten(2)
    covered = tags.exp().sum(2)
    wrong = mask & ~(covered <= 1 + 1e-4)
    if bool(wrong.any()):
        row, word = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"the spans over word {word + 1} of sentence {row} of the batch have probabilities "
            f"that sum to {float(covered[row, word]):.6g}; the sum must be at most 1"
        )
    outside = (1 - covered).clamp(min=OUTSIDE_FLOOR).log()
    found = torch.cat([outside.unsqueeze(2), tags], 2)
    return found.masked_fill(~mask.unsqueeze(2), NOTHING)


def bio_potentials(log_spans: Tensor, mask: Tensor) -> ChainPotentials:
    """Returns the chain of independent words with the BIO tag probabilities of these spans.

    Each word's distribution over tags is exactly that of the spans. What they say of two neighboring
    words at once is lost: a chain's transitions are the same everywhere, and a span model's are not.

    # Parameters

    log_spans, mask : as for `log_bio_marginals`.
    """
    return independent_of(log_bio_marginals(log_spans, mask), mask)


def _log_sum(logs: Tensor, dim: int) -> Tensor:
    """`logsumexp` with gradient 0 instead of NaN where all values are -inf."""
    nothing = torch.isneginf(logs).all(dim, keepdim=True)
    sums = logs.masked_fill(nothing, 0).logsumexp(dim)
    return sums.masked_fill(nothing.squeeze(dim), NOTHING)
