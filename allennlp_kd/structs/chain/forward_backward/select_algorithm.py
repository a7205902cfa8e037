"""Selects scaled or log-space messages depending on the range of a batch's scores."""

import math

import torch
from torch import Tensor

from allennlp_kd.structs.chain.forward_backward.layout import Layout
from allennlp_kd.structs.chain.forward_backward.log_messages import LogMessages
from allennlp_kd.structs.chain.forward_backward.messages import Messages
from allennlp_kd.structs.chain.forward_backward.scaled_messages import ScaledMessages

MOST_STEPS_BETWEEN_SCALINGS = 16


def messages_of(
    words: Tensor, transitions: Tensor, layout: Layout, precise_logarithms: bool = False
) -> Messages:
    """Computes the messages of a batch: scaled if `scaling_period` allows it, otherwise in log
    space.

    # Parameters

    words : `Tensor`
        Shape `(N, tags)`, from `Layout.fold`; at least one.
    transitions : `Tensor`
        Shape `(tags, tags)`.
    layout : `Layout`
    precise_logarithms : `bool`, optional (default = `False`)
        Whether the logarithms of marginals are wanted, however small.
    """
    taped = torch.is_grad_enabled() and (words.requires_grad or transitions.requires_grad)
    period = scaling_period(words, transitions, precise_logarithms, margin=0.5 if taped else 1.0)
    if period:
        messages = ScaledMessages(words, transitions, layout, period)
        # A word with a NaN, or with all tags forbidden, has no finite maximum.
        if bool(torch.isfinite(messages.log_partition).all()):
            return messages
    return LogMessages(words, transitions, layout)


def scaling_period(
    words: Tensor, transitions: Tensor, precise_logarithms: bool = False, margin: float = 1.0
) -> int:
    """Returns after how many steps `ScaledMessages` must scale, or 0 if it would be inexact.

    Let R be the largest difference between two transitions. Words' weights sum to 1 and the largest
    move is 1, so a message that sums to 1 sums to exp(-k * R) or more k steps later, however far
    apart the words' scores are; and no two entries of a backward message differ by more than a
    factor exp(R). So a tag whose entry underflows (it is below the smallest normal number, tiny)
    had a share of the sentence's probability of at most tiny * exp((k + 1) * R). That is nothing as
    long as

        (k + 1) * R <= -log(tiny) + 1.5 * log(epsilon)           (63 in float32, 654 in float64):

    log Z and all marginals are then exact to the type's precision, and no message overflows. It
    must hold for k = 1. Where it does not, and where a transition is -inf (a tag which only
    improbable steps lead to has no such bound) or NaN, log space is used.

    # Parameters

    words : `Tensor`
        Shape `(N, tags)`.
    transitions : `Tensor`
        Shape `(tags, tags)`.
    precise_logarithms : `bool`, optional (default = `False`)
        Whether the logarithms of the smallest marginals are wanted too, so that no entry at all may
        underflow: then (k + 1) * R + E + log(tags) <= -log(tiny) - 7 must hold as well, with E the
        largest difference between two tags' scores of one word.
    margin : `float`, optional (default = `1.0`)
        The share of the bounds that is used. Gradients of marginals multiply two messages: 0.5.

    # Returns

    `int`
        The largest k that satisfies the bounds, at most 16; 0 for log space.
    """
    numbers = torch.finfo(words.dtype)
    bound = margin * (1.5 * math.log(numbers.eps) - math.log(numbers.tiny))
    with torch.no_grad():
        lowest, highest = torch.aminmax(transitions)
        spread = float(highest - lowest)
        if precise_logarithms:
            word_spread = float((words.amax(dim=1) - words.amin(dim=1)).max())
            precise = margin * (-math.log(numbers.tiny) - 7.0)
            bound = min(bound, precise - word_spread - math.log(words.shape[1]))
    left = bound - spread
    # Written so that NaN fails the test.
    if not left >= spread:
        return 0
    if left >= MOST_STEPS_BETWEEN_SCALINGS * spread:
        return MOST_STEPS_BETWEEN_SCALINGS
    return int(left / spread)
