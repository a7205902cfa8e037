"""Forward and backward recursions as matrix products in probability space."""

from typing import List, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.forward_backward.layout import Layout
from allennlp_kd.structs.chain.forward_backward.messages import Messages


class ScaledMessages(Messages):
    """Messages in probability space: a step is a matrix product and a product with the word's
    scores.

        a[i] = (a[i-1] @ exp(transitions - max)) * softmax(words[i]) / c[i]

    where c[i] is the sum of the row at every `period`-th position, 1 elsewhere; the logarithms of
    all that was divided by are summed apart. `select_algorithm.scaling_period` says for which scores that is
    exact.

    # Parameters

    period : `int`
        After how many steps a message is scaled again, from `scaling_period`.
    """

    def __init__(self, words: Tensor, transitions: Tensor, layout: Layout, period: int) -> None:
        super().__init__(words, transitions, layout)
        # Shifts and scales are constants: the result does not depend on them, so its gradient does
        # not either.
        values = words.detach()
        relative = values.log_softmax(dim=1)
        norms = values.amax(dim=1) - relative.amax(dim=1)
        if words.requires_grad:
            relative = words - norms.unsqueeze(1)
        self._weights = relative.exp().split(layout.sizes)
        largest = transitions.detach().max()
        self._moves = (transitions - largest).exp()
        log_scales = norms.new_zeros(layout.num_sentences)
        self._scales: List[Optional[Tensor]] = []
        message, forward = self._weights[0], []
        for position, weights in enumerate(self._weights):
            if position > 0:
                running = weights.shape[0]
                if running < message.shape[0]:
                    message = message[:running]
                message = (message @ self._moves) * weights
            scale = None
            if position > 0 and position % period == 0:
                scale = message.detach().sum(dim=1, keepdim=True)
                message = message / scale
                log_scales[: scale.shape[0]] += scale.squeeze(1).log()
            forward.append(message)
            self._scales.append(scale)
        # (N, tags)
        self._forward = torch.cat(forward)
        # (S,)
        self._finals = self._forward.index_select(0, layout.last).sum(dim=1)
        sentences = self._finals.log() + (log_scales + layout.num_edges * largest)
        self.log_partition = layout.spread(sentences) + layout.sum_words(norms)

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
        """Returns a of the previous word and g of the word itself for each edge."""
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
            # A product with infinite cells would be 0 * inf if a message has underflowed.
            reached = ((before @ (self._moves * infinite)) * after).detach().sum(dim=1) > 0
            expected = expected.masked_fill(reached, float(scores.detach()[infinite][0]))
        return expected
