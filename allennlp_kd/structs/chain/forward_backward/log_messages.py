"""Forward and backward recursions in log space."""

from typing import List, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.forward_backward.layout import Layout
from allennlp_kd.structs.chain.forward_backward.messages import Messages, expectation

INFINITY = float("inf")


class LogMessages(Messages):
    """Messages in log space, for scores of any range and forbidden (-inf) cells.

        a[i, j] = logsumexp_k(a[i-1, k] + transitions[k, j]) + words[i, j] - c[i]

    with c[i] the largest entry, summed apart: a message then holds differences within one word
    only, which keeps the marginals precise on long sentences with large scores.
    """

    def __init__(self, words: Tensor, transitions: Tensor, layout: Layout) -> None:
        super().__init__(words, transitions, layout)
        self._steps = words.split(layout.sizes)
        # [to, from], so that sums run over the last axis.
        turned = transitions.t().contiguous()
        message = self._steps[0]
        forward: List[Tensor] = []
        self._scales: List[Tensor] = []
        for position, step in enumerate(self._steps):
            if position > 0:
                message = logsumexp(message[: step.shape[0]].unsqueeze(1) + turned) + step
            # A sentence without a possible sequence has no finite entry to shift by.
            scale = message.detach().amax(dim=1, keepdim=True)
            scale = scale.masked_fill(scale == -INFINITY, 0.0)
            message = message - scale
            forward.append(message)
            self._scales.append(scale)
        # (N, tags)
        self._forward = torch.cat(forward)
        # (S,)
        self._finals = logsumexp(self._forward.index_select(0, layout.last))
        scales = layout.sum_words(torch.cat(self._scales).squeeze(1))
        self.log_partition = layout.spread(self._finals) + scales

    def _run_backward(self) -> Tuple[Tensor, Tensor]:
        # (S, tags)
        stops = -self._finals.masked_fill(self._finals == -INFINITY, 0.0)
        stops = stops.unsqueeze(1).expand(-1, self.words.shape[1])
        message = stops[: self.layout.sizes[-1]]
        backward, handed_back = [message], []
        for position in range(len(self._steps) - 1, 0, -1):
            handed = message + self._steps[position] - self._scales[position]
            handed_back.append(handed)
            message = logsumexp(handed.unsqueeze(1) + self.transitions)
            running, before = handed.shape[0], self.layout.sizes[position - 1]
            if before > running:
                message = torch.cat([message, stops[running:before]])
            backward.append(message)
        handed_back.append(stops[:0])
        return torch.cat(backward[::-1]), torch.cat(handed_back[::-1])

    def nodes(self) -> Tensor:
        return self.log_nodes().exp()

    def log_nodes(self) -> Tensor:
        return normalize(self._forward + self.backward[0])

    def log_edges(self) -> Tensor:
        before = self._forward.index_select(0, self.layout.previous)
        edges = before.unsqueeze(2) + self.transitions + self.backward[1].unsqueeze(1)
        return normalize(edges.flatten(1)).view_as(edges)

    def edge_counts(self, weights: Tensor) -> Tensor:
        before = self._forward.index_select(0, self.layout.previous)
        counts = self.transitions.new_zeros(self.transitions.numel())
        sizes = self.layout.sizes[1:]
        # One position at a time: all edges at once would need N * tags * tags numbers.
        for left, right, weight in zip(
            before.split(sizes), self.backward[1].split(sizes), weights.split(sizes)
        ):
            edges = (left.unsqueeze(2) + self.transitions + right.unsqueeze(1)).flatten(1)
            counts = counts + weight @ normalize(edges).exp()
        return counts.view_as(self.transitions)

    def expected_transition(self, scores: Tensor) -> Tensor:
        return expectation(self.log_edges().exp(), scores.unsqueeze(0)).sum(dim=(1, 2))


def logsumexp(values: Tensor) -> Tensor:
    """`values.logsumexp(-1)` with gradient 0 instead of NaN where all values are -inf."""
    largest = values.detach().amax(dim=-1, keepdim=True)
    largest = largest.clamp(min=torch.finfo(values.dtype).min)
    total = (values - largest).exp().sum(dim=-1)
    nothing = total == 0
    logarithm = total.masked_fill(nothing, 1.0).log().masked_fill(nothing, -INFINITY)
    return logarithm + largest.squeeze(-1)


def normalize(values: Tensor) -> Tensor:
    """Normalizes log probabilities that should already sum to 1: `(cells, tags)` over the last
    axis.

    With large scores a and b are rounded by more than a probability may be wrong, and what is wrong
    with the sum would be multiplied by the scores wherever a mean of them is taken.
    """
    total = logsumexp(values.detach())
    return values - total.masked_fill(total == -INFINITY, 0.0).unsqueeze(-1)
