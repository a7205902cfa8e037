"""Forward and backward recursions as matrix products in probability space."""
import math
from typing import List, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.layout import Layout
from allennlp_kd.structs.chain.messages import Messages

MOST_STEPS_BETWEEN_SCALINGS = 16


class ScaledMessages(Messages):
    """Messages kept as probabilities: a step is one matrix product, then a product with the word's scores.

        a[i] = (a[i-1] @ exp(transitions - max)) * softmax(words[i]) / c[i]

    where c[i] is the sum of the row at every `period`-th position, 1 elsewhere; the logarithms of all that
    was divided by are summed apart. `scaling_period` says for which scores that is exact.

    # Parameters

    period : `int`
        After how many steps a message is scaled again, from `scaling_period`.
    """

    def __init__(self, words: Tensor, transitions: Tensor, layout: Layout, period: int) -> None:
        super().__init__(words, transitions, layout)
        # Shifts and scales are constants: the result does not depend on them, so neither does its gradient.
        norms = words.detach().logsumexp(dim=1)
        largest = transitions.detach().max()
        self._moves = (transitions - largest).exp()
        self._weights = (words - norms.unsqueeze(1)).exp().split(layout.sizes)
        self._scales: List[Optional[Tensor]] = []
        log_scales = norms.new_zeros(layout.num_sentences)
        message, forward = self._weights[0], []
        for position, weights in enumerate(self._weights):
            if position > 0:
                running = weights.shape[0]
                if running < message.shape[0]:
                    message = message[:running]
                message = (message @ self._moves) * weights
            scale = None
            if position % period == 0:
                scale = message.detach().sum(dim=1, keepdim=True)
                message = message / scale
                log_scales[: scale.shape[0]] += scale.squeeze(1).log()
            forward.append(message)
            self._scales.append(scale)
        # (N, tags)
        self._forward = torch.cat(forward)
        # (S,)
        self._finals = self._forward.index_select(0, layout.last).sum(dim=1)
        self.log_partition = (
            layout.spread(self._finals.log() + log_scales)
            + layout.sum_words(norms)
            + layout.num_edges * largest
        )

    def _run_backward(self) -> Tuple[Tensor, Tensor]:
        # (S, tags)
        stops = (1.0 / self._finals).unsqueeze(1).expand(-1, self.words.shape[1])
        turned = self._moves.t()
        message = stops[: self.layout.sizes[-1]]
        backward, handed_back = [message], []
        for position in range(len(self._weights) - 1, 0, -1):
            handed = message * self._weights[position]
            scale = self._scales[position]
            if scale is not None:
                handed = handed / scale
            handed_back.append(handed)
            message = handed @ turned
            running, before = handed.shape[0], self.layout.sizes[position - 1]
            if before > running:
                message = torch.cat([message, stops[running:before]])
            backward.append(message)
        handed_back.append(stops[:0])
        return torch.cat(backward[::-1]), torch.cat(handed_back[::-1])

    def nodes(self) -> Tensor:
        return self._forward * self.backward[0]

    def log_nodes(self) -> Tensor:
        return self._forward.log() + self.backward[0].log()

    def _edge_ends(self) -> Tuple[Tensor, Tensor]:
        """a of the word before and g of the word itself, for each edge."""
        return self._forward.index_select(0, self.layout.previous), self.backward[1]

    def log_edges(self) -> Tensor:
        before, after = self._edge_ends()
        return before.log().unsqueeze(2) + self._moves.log() + after.log().unsqueeze(1)

    def edge_counts(self, weights: Tensor) -> Tensor:
        before, after = self._edge_ends()
        return self._moves * (before.t() @ (after * weights.unsqueeze(1)))

    def expected_transition(self, scores: Tensor) -> Tensor:
        before, after = self._edge_ends()
        infinite = scores.detach().abs() == float("inf")
        finite = scores.masked_fill(infinite, 0.0)
        expected = ((before @ (self._moves * finite)) * after).sum(dim=1)
        if bool(infinite.any()):
            # A product with infinite cells would be 0 * inf where a message has underflowed.
            reached = ((before @ (self._moves * infinite)) * after).detach().sum(dim=1) > 0
            expected = expected.masked_fill(reached, float(scores.detach()[infinite][0]))
        return expected


def scaling_period(
    words: Tensor, transitions: Tensor, precise_logarithms: bool = False, margin: float = 1.0
) -> int:
    """After how many steps `ScaledMessages` must scale, or 0 where it would not be exact.

    Let R be the largest difference between two transitions. Words' weights sum to 1 and the largest move is
    1, so a message that sums to 1 sums to exp(-k * R) or more k steps later, however far apart the words'
    scores are; and no two entries of a backward message differ by more than a factor exp(R). So a tag whose
    entry underflows (it is below the smallest normal number, tiny) had a share of the sentence's
    probability of at most tiny * exp((k + 1) * R). That is nothing as long as

        (k + 1) * R <= -log(tiny) + 1.5 * log(epsilon)           (63 in float32, 654 in float64):

    log Z and all marginals are then exact to the type's precision, and no message overflows. It must hold
    for k = 1. Where it does not, where a transition is -inf (a tag which only improbable steps lead to
    has no such bound), where all of a word's tags are, and where a score is NaN, log space is used.

    # Parameters

    words : `Tensor`
        Shape `(N, tags)`.
    transitions : `Tensor`
        Shape `(tags, tags)`.
    precise_logarithms : `bool`, optional (default = `False`)
        Whether the logarithms of the smallest marginals are wanted too, so that no entry at all may
        underflow: then (k + 1) * R + E + log(tags) <= -log(tiny) - 7 must hold as well, with E the largest
        difference between two tags' scores of one word.
    margin : `float`, optional (default = `1.0`)
        The share of the bounds that is used. Gradients of marginals multiply two messages: 0.5.

    # Returns

    `int`
        The largest k that satisfies the bounds, at most 16; 0 for log space.
    """
    with torch.no_grad():
        lowest, highest = words.amin(dim=1), words.amax(dim=1)
        # Multiplied by 0 so that only inf and NaN tell: one number then says whether all words are finite.
        checks = [transitions.max() - transitions.min(), (highest * 0).sum(), (highest - lowest).max()]
        spread, nothing, word_spread = torch.stack(checks).tolist()
    numbers = torch.finfo(words.dtype)
    bound = margin * (1.5 * math.log(numbers.eps) - math.log(numbers.tiny))
    if precise_logarithms:
        precise = margin * (-math.log(numbers.tiny) - 7.0)
        bound = min(bound, precise - word_spread - math.log(words.shape[1]))
    left = bound - spread
    # Written so that NaN fails.
    if not (nothing == 0 and left >= spread):
        return 0
    if left >= MOST_STEPS_BETWEEN_SCALINGS * spread:
        return MOST_STEPS_BETWEEN_SCALINGS
    return int(left / spread)
