"""Forward and backward recursions as matrix products in probability space."""
import math
from typing import List, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.layout import Layout
from allennlp_kd.structs.chain.messages import Messages, expectation

MOST_STEPS_BETWEEN_SCALINGS = 16


class ScaledMessages(Messages):
    """Messages kept as probabilities: a step is one matrix product, then a product with the emissions.

        a[i] = (a[i-1] @ exp(transitions - max)) * softmax(emissions[i]) / c[i]

    where c[i] is the sum of the row at every `period`-th position, 1 elsewhere; the logarithms of all that
    was divided by are summed apart. `scaling_period` says for which scores nothing underflows.

    # Parameters

    period : `int`
        After how many steps a message is scaled again, from `scaling_period`.
    """

    def __init__(
        self,
        emissions: Tensor,
        transitions: Tensor,
        start: Tensor,
        end: Tensor,
        layout: Layout,
        period: int,
    ) -> None:
        super().__init__(emissions, transitions, start, end, layout)
        # All shifts are constants: the result does not depend on them, so neither does its gradient.
        norms = emissions.detach().logsumexp(dim=1)
        self._weights = self._running((emissions - norms.unsqueeze(1)).exp())
        largest = transitions.detach().max(), start.detach().max(), end.detach().max()
        self._moves = (transitions - largest[0]).exp()
        self._end_weights = (end - largest[2]).exp()
        log_scales = (layout.lengths - 1) * largest[0] + largest[1] + largest[2]

        message = self._weights[0] * (start - largest[1]).exp()
        forward: List[Tensor] = []
        self._scales: List[Optional[Tensor]] = []
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
        self._finals = self._forward.index_select(0, layout.last) @ self._end_weights
        self._log_partition = layout.spread(self._finals.log() + log_scales) + layout.sum_words(norms)

    @property
    def log_partition(self) -> Tensor:
        return self._log_partition

    def _run_backward(self) -> Tuple[Tensor, Tensor]:
        # (S, tags)
        stops = self._end_weights / self._finals.unsqueeze(1)
        turned = self._moves.t()
        message = stops[: self.layout.sizes[-1]]
        backward, handed_back = [message], []
        for position in range(len(self._weights) - 1, 0, -1):
            handed = message * self._weights[position]
            if self._scales[position] is not None:
                handed = handed / self._scales[position]
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
        return ((before @ expectation(self._moves, scores)) * after).sum(dim=1)


def scaling_period(
    emissions: Tensor, transitions: Tensor, start: Tensor, end: Tensor, margin: float = 1.0
) -> int:
    """After how many steps `ScaledMessages` must scale, or 0 where the scores spread too far for it.

    Let E be the largest difference between two tags' emissions of one word, and R the largest difference
    within the transitions, within start and within end. A forward message that sums to 1 at word i has, k
    steps later, no entry below exp(-(k * R + E + log(tags))), and the end takes at most R more: emissions
    are normalised to sum to 1 and transitions to a maximum of 1, so each step loses at most R from the sum
    and the last one E + log(tags) from an entry. Backward messages stay within the inverse of that. So as
    long as

        (k + 1) * R + E + log(tags) <= -log(smallest normal number) - 7         (80 in float32)

    nothing underflows and nothing overflows. That must hold at least for k = 1; otherwise, and where any
    score is -inf (a tag reached only by improbable steps has no such bound) or NaN, log space is used.

    # Parameters

    emissions : `Tensor`
        Shape `(N, tags)`, of words alone.
    transitions : `Tensor`
        Shape `(tags, tags)`.
    start, end : `Tensor`
        Shape `(tags,)`.
    margin : `float`, optional (default = `1.0`)
        The share of the bound that is used. Gradients of marginals multiply two messages, so they need 0.5.

    # Returns

    `int`
        The largest k that satisfies the bound, at most 16; 0 for log space.
    """
    with torch.no_grad():
        lowest, highest = torch.aminmax(emissions, dim=1)
        around = torch.stack([torch.stack(torch.aminmax(x)) for x in (transitions, start, end)])
        spreads = torch.stack([(highest - lowest).max(), (around[:, 1] - around[:, 0]).max()])
        emission_spread, spread = spreads.tolist()
    bound = margin * (-math.log(torch.finfo(emissions.dtype).tiny) - 7.0)
    left = bound - emission_spread - math.log(emissions.shape[1]) - spread
    if not (left >= spread and math.isfinite(left)):
        return 0
    if left >= MOST_STEPS_BETWEEN_SCALINGS * spread:
        return MOST_STEPS_BETWEEN_SCALINGS
    return int(left / spread)
