"""The matrix-tree theorem as an elimination of weights, and the marginals as its way back."""

import math
from functools import cached_property
from typing import List, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.tree.single_root import FORBIDDEN

Steps = List[Tuple[Tensor, Tensor]]


class Elimination:
    """The sum, over all trees of each sentence, of the product of its arcs' weights.

    A word's weights are exp(score - its best head's score). Words are removed from the last to the
    first: each word i that had k as a head gains k's heads,

        p_k = sum_j w[k, j],    q_k[j] = w[k, j] / p_k,    w[i, j] += w[i, k] q_k[j],

    and the sum is the product of the pivots p_k. Nothing is ever subtracted (Grassmann, Taksar and
    Heyman, 1985), so each weight keeps its relative precision however sure the model is of a cycle,
    where a log determinant (Koo et al., 2007) is left with 1 - 1.

    With one root only, ROOT's weights are taken for infinitely small: of each pivot but the last
    they are no part, the last one is nothing else, and the product is the sum over trees with one
    arc from ROOT.

    The tables hold the batch last, (dependent, head, sentence), so that each step is a few long
    vector operations.

    # Parameters

    scores : `Tensor`
        Shape `(batch, length, length + 1)`, float64, length at least 1; -inf in cells which are no
        arc, so in those of padded words, each of which counts 1.
    mask : `Tensor`
        Shape `(batch, length)`.
    single_root : `bool`
    """

    @torch.no_grad()
    def __init__(self, scores: Tensor, mask: Tensor, single_root: bool) -> None:
        scores = scores.detach()
        self.length, self.single_root = mask.shape[1], single_root
        # The first head that is part of a pivot, the last pivot excepted.
        self.first_head = int(single_root)
        padding = ~mask
        # Where no head is possible all weights are 0.
        peaks = scores.amax(dim=2, keepdim=True).clamp_(min=FORBIDDEN / 4)
        # Shape (length, length + 1, batch)
        self.weights = (scores - peaks).exp_().permute(1, 2, 0).contiguous()
        table = self.weights.clone()
        # Padded words hang on the first word, whatever the rule for roots; that one on ROOT.
        table[1:, 1] += padding.t()[1:]
        table[0, 0] += padding[:, 0]
        sizes = table.sum(dim=1).log_().sum(dim=0)
        self._pivots = table.new_empty(table.shape[0], table.shape[2])
        self._rows, self._columns = table.unbind(0), table.unbind(1)
        self._shares = [table[0, :1]] * self.length
        for word in range(self.length - 1, 0, -1):
            row = self._rows[word][: word + 1]
            pivot = torch.sum(row[self.first_head :], 0, out=self._pivots[word])
            share = row / pivot
            self._shares[word] = share
            dependents = self._columns[word + 1][:word]
            table[:word, : word + 1].addcmul_(dependents.unsqueeze(1), share)
        self._pivots[0] = table[0, 0]
        relative = self._pivots.log().sum(dim=0)
        # Shape (batch,)
        self.log_sum = relative + (peaks.squeeze(2) * mask).sum(dim=1)
        self.exact = self._is_exact(relative - sizes, table[:, 0].amax(dim=0))

    def _is_exact(self, log_probability: Tensor, largest: Tensor) -> Tensor:
        """Whether what has underflowed is nothing, sentence by sentence.

        Let R_d be the sum of word d's weights. Sum / product of all R_d is the probability that heads
        drawn word by word make a tree. What a number that underflows (it is below the smallest
        normal number, tiny) would have added is at most tiny * product of all R_d: a removed word
        hands on shares of 1 in all, so no row outgrows R_d; and a row of ROOT's weights times the
        pivots before it is a part of the product. At most length^3 numbers underflow, so it is
        nothing if

            log probability >= log(tiny) - log(epsilon) + 3 log(length),         -672 for a word.

        On the way back a number that underflows is multiplied by a weight: these are at most
        `length`, but ROOT's, which with one root only may have grown (`largest`, shape `(batch,)`).
        A NaN fails.
        """
        numbers = torch.finfo(log_probability.dtype)
        bound = math.log(numbers.tiny / numbers.eps) + 3 * math.log(self.length)
        return (log_probability >= bound) & (largest <= numbers.eps / numbers.tiny)

    @cached_property
    def _way_back(self) -> Tuple[Tensor, Steps]:
        """The derivative of the log of the sum by each weight when its word was removed, which is
        that by the weight itself, as all changes are additions. Read backwards, a step is

            a[j] = sum_i w[i, k] g[i, j],    s = sum_j q_k[j] a[j],
            g[i, k] = sum_j g[i, j] q_k[j],    g[k, j] = (1 - s + a[j]) / p_k

        without the 1 - s for a head that is no part of the pivot. Of the numbers subtracted none is
        larger than 1, and a word's marginals w * g sum to 1 - s + s.

        # Returns

        `Tuple[Tensor, Steps]`
            g, of shape `(length, length + 1, batch)`, and a and 1 - s of each word.
        """
        gradients = torch.zeros_like(self.weights)
        torch.reciprocal(self._pivots[0], out=gradients[0, 0])
        rows, columns = gradients.unbind(0), gradients.unbind(1)
        steps: Steps = [(self._pivots[:0], self._pivots[0])]
        for word in range(1, self.length):
            share = self._shares[word]
            before = gradients[:word, : word + 1]
            handed = (before * self._columns[word + 1][:word].unsqueeze(1)).sum(0)
            torch.sum(before * share, 1, out=columns[word + 1][:word])
            kept = 1 - (share * handed).sum(0)
            steps.append((handed, kept))
            row = torch.div(handed, self._pivots[word], out=rows[word][: word + 1])
            row[self.first_head :] += kept / self._pivots[word]
        return gradients, steps

    @torch.no_grad()
    def marginals(self) -> Tensor:
        """The probability of each arc, shape `(batch, length, length + 1)`; 0 for padded words."""
        gradients, _ = self._way_back
        return (self.weights * gradients).permute(2, 0, 1)

    @torch.no_grad()
    def curvature(self, directions: Tensor) -> Tensor:
        """How the marginals change as the scores move in a direction: the Hessian of the log of the
        sum times it, by the derivatives of both ways' steps.

        # Parameters

        directions : `Tensor`
            Shape `(batch, length, length + 1)`.

        # Returns

        `Tensor`
            Of the same shape.
        """
        gradients, steps = self._way_back
        directions = directions.permute(1, 2, 0)
        # A constant for a word's heads moves no marginal; without it less is lost to rounding.
        means = (self.weights * gradients * directions).sum(dim=1, keepdim=True)
        moved = self.weights * (directions - means)
        table = moved.clone()
        pivots, shares = [table[0, 0]] * self.length, [table[0, :1]] * self.length
        for word in range(self.length - 1, 0, -1):
            share, row = self._shares[word], table[word, : word + 1]
            pivots[word] = row[self.first_head :].sum(0)
            shares[word] = (row - share * pivots[word]) / self._pivots[word]
            before = table[:word, : word + 1]
            before.addcmul_(self._columns[word + 1][:word].unsqueeze(1), shares[word])
            before.addcmul_(table[:word, word + 1].unsqueeze(1), share)
        curvature = torch.zeros_like(gradients)
        curvature[0, 0] = -gradients[0, 0] * gradients[0, 0] * table[0, 0]
        for word in range(1, self.length):
            (handed, _), share = steps[word], self._shares[word]
            first, second = gradients[:word, : word + 1], curvature[:word, : word + 1]
            handed_on = (second * self._columns[word + 1][:word].unsqueeze(1)).sum(0)
            handed_on += (first * table[:word, word + 1].unsqueeze(1)).sum(0)
            curvature[:word, word + 1] = (second * share + first * shares[word]).sum(1)
            kept = (shares[word] * handed + share * handed_on).sum(0)
            handed_on[self.first_head :] -= kept
            row = handed_on - gradients[word, : word + 1] * pivots[word]
            curvature[word, : word + 1] = row / self._pivots[word]
        return (moved * gradients + self.weights * curvature).permute(2, 0, 1)
