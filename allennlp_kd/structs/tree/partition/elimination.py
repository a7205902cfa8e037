"""The matrix-tree theorem by subtraction-free Gaussian elimination, and arc marginals."""

import math
from functools import cached_property
from typing import List, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.tree.spanning.single_root import FORBIDDEN


class Elimination:
    """The sum of the products of arc weights over all trees of each sentence.

    A word's weights are exp(score - its best head's score). Words are removed from the last to the
    first: each word i that had k as a head gains k's heads,

        p_k = sum_j w[k, j],    q_k[j] = w[k, j] / p_k,    w[i, j] += w[i, k] q_k[j],

    and the sum is the product of the pivots p_k. Nothing is ever subtracted (Grassmann, Taksar and
    Heyman, 1985), so each weight keeps its relative precision however sure the model is of a cycle,
    where a log determinant (Koo et al., 2007) is left with 1 - 1.

    With one root only, ROOT's weights are taken for infinitely small: of each pivot but the last
    they take no part, the last one is nothing else, and the product is the sum over trees with one
    arc from ROOT.

    The tables hold the batch last, (dependent, head, sentence), so that each step is a few long
    vector operations.

    # Parameters

    scores : `Tensor`
        Shape `(batch, length, length + 1)`, float64, length at least 1; -inf in cells that
        are not arcs, so in those of padded words, each of which counts 1.
    mask : `Tensor`
        Shape `(batch, length)`.
    single_root : `bool`
    """

    @torch.no_grad()
    def __init__(self, scores: Tensor, mask: Tensor, single_root: bool) -> None:
        scores = scores.detach()
        self.length, self.single_root = mask.shape[1], single_root
        # The first head that takes part in a pivot, except in the last one.
        self.first_head = int(single_root)
        padding = ~mask
        # If no head is possible, all weights are 0.
        peaks = scores.amax(dim=2, keepdim=True).clamp_(min=FORBIDDEN / 4)
        # Shape (length, length + 1, batch)
        self.weights = (scores - peaks).exp_().permute(1, 2, 0).contiguous()
        table = self.weights.clone()
        # Padded words get the first word as head, whatever the rule for roots; that word gets ROOT.
        table[1:, 1] += padding.t()[1:]
        table[0, 0] += padding[:, 0]
        sizes = table.sum(dim=1).log_().sum(dim=0)
        self._pivots = table.new_empty(table.shape[0], table.shape[2])
        rows, columns, pivots = table.unbind(0), table.unbind(1), self._pivots.unbind(0)
        # By word: q_k of its heads and ROOT, and the weights of the words it is eliminated from.
        self._shares, self._dependents = [table[0]] * self.length, [table[0]] * self.length
        for word in range(self.length - 1, 0, -1):
            row = rows[word].narrow(0, 0, word + 1)
            heads = row.narrow(0, 1, word) if single_root else row
            self._shares[word] = share = row / torch.sum(heads, 0, out=pivots[word])
            dependents = columns[word + 1].narrow(0, 0, word).unsqueeze(1)
            self._dependents[word] = dependents
            table[:word, : word + 1].addcmul_(dependents, share)
        self._pivots[0] = table[0, 0]
        relative = self._pivots.log().sum(dim=0)
        # Shape (batch,)
        self.log_sum = relative + (peaks.squeeze(2) * mask).sum(dim=1)
        self.exact = self._is_exact(relative - sizes, table[:, 0])

    def _is_exact(self, log_probability: Tensor, on_root: Tensor) -> Tensor:
        """Whether the underflow is negligible, for each sentence.

        Let R_d be the sum of word d's weights. Sum / product of all R_d is the probability that heads
        drawn word by word make a tree. What a number that underflows (it is below the smallest
        normal number, tiny) would have added is at most tiny * product of all R_d: a removed word
        hands on shares of 1 in all, so no row outgrows R_d; and a row of ROOT's weights times the
        pivots before it is a part of the product. At most length^3 numbers underflow, so it is
        nothing if

            log probability >= log(tiny) - log(epsilon) + 3 log(length),         -672 for a word.

        On the way back a number that underflows is multiplied by a weight. These are at most
        `length`, but ROOT's (`on_root`, shape `(length, batch)`), which with one root only grow
        where they are divided by small pivots; so both are bounded too. A NaN fails.
        """
        numbers = torch.finfo(log_probability.dtype)
        smallest = numbers.tiny / numbers.eps
        exact = log_probability >= math.log(smallest) + 3 * math.log(self.length)
        exact &= self._pivots.amin(dim=0) >= smallest
        return exact & (on_root.amax(dim=0) <= 1 / smallest)

    @cached_property
    def _way_back(self) -> Tuple[Tensor, List[Tensor]]:
        """Computes the derivative of the log of the sum with respect to each weight at the time its
        word was eliminated. It equals the derivative with respect to the weight itself, as all
        changes are additions. Read backward, a step is

            a[j] = sum_i w[i, k] g[i, j],    s = sum_j q_k[j] a[j],
            g[i, k] = sum_j g[i, j] q_k[j],    g[k, j] = (1 - s + a[j]) / p_k

        without the 1 - s for a head that is not part of the pivot. No number that is subtracted is
        larger than 1: g[k, j] w[k, j], the marginal, is (1 - s) q_k[j] + a[j] q_k[j].

        # Returns

        `Tuple[Tensor, List[Tensor]]`
            g, of shape `(length, length + 1, batch)`, and a of each word.
        """
        gradients, product = torch.zeros_like(self.weights), torch.empty_like(self.weights)
        rows, columns = gradients.unbind(0), gradients.unbind(1)
        inverses = self._pivots.reciprocal().unbind(0)
        gradients[0, 0] = inverses[0]
        handed_on = [gradients[0]]
        for word in range(1, self.length):
            share, inverse = self._shares[word], inverses[word]
            before = gradients[:word, : word + 1]
            buffer = product[:word, : word + 1]
            handed = torch.mul(before, self._dependents[word], out=buffer).sum(0)
            torch.mul(before, share, out=buffer)
            torch.sum(buffer, 1, out=columns[word + 1].narrow(0, 0, word))
            handed_on.append(handed)
            kept = torch.addcmul(inverse, (share * handed).sum(0), inverse, value=-1)
            row = torch.mul(handed, inverse, out=rows[word].narrow(0, 0, word + 1))
            if self.first_head:
                row = row.narrow(0, 1, word)
            row.add_(kept)
        return gradients, handed_on

    @torch.no_grad()
    def marginals(self) -> Tensor:
        """The probability of each arc, shape `(batch, length, length + 1)`; 0 for padded words."""
        gradients, _ = self._way_back
        return (self.weights * gradients).permute(2, 0, 1)

    @torch.no_grad()
    def curvature(self, directions: Tensor) -> Tensor:
        """The change of the marginals as the scores move in a direction: the product of the Hessian
        of the log of the sum and that direction.

        # Parameters

        directions : `Tensor`
            Shape `(batch, length, length + 1)`.

        # Returns

        `Tensor`
            Of the same shape.
        """
        gradients, handed_on = self._way_back
        directions = directions.permute(1, 2, 0)
        # A constant on a word's heads changes no marginal; removing it reduces rounding errors.
        means = (self.weights * gradients * directions).sum(dim=1, keepdim=True)
        moved = self.weights * (directions - means)
        table, product = moved.clone(), torch.empty_like(moved)
        pivots, shares = [table[0, 0]] * self.length, [table[0]] * self.length
        for word in range(self.length - 1, 0, -1):
            share, row = self._shares[word], table[word, : word + 1]
            pivots[word] = pivot = row[self.first_head :].sum(0)
            shares[word] = (row - share * pivot).div_(self._pivots[word])
            before = table[:word, : word + 1]
            before.addcmul_(self._dependents[word], shares[word])
            before.addcmul_(table[:word, word + 1 : word + 2], share)
        curvature = torch.zeros_like(gradients)
        curvature[0, 0] = -(table[0, 0] * gradients[0, 0]) * gradients[0, 0]
        for word in range(1, self.length):
            share, moved_share = self._shares[word], shares[word]
            first, second = gradients[:word, : word + 1], curvature[:word, : word + 1]
            buffer = torch.mul(second, self._dependents[word], out=product[:word, : word + 1])
            handed = buffer.addcmul_(first, table[:word, word + 1 : word + 2]).sum(0)
            buffer = torch.mul(second, share, out=buffer).addcmul_(first, moved_share)
            torch.sum(buffer, 1, out=curvature[:word, word + 1])
            kept = (moved_share * handed_on[word]).addcmul_(share, handed).sum(0)
            handed[self.first_head :].sub_(kept)
            handed.addcmul_(gradients[word, : word + 1], pivots[word], value=-1)
            torch.div(handed, self._pivots[word], out=curvature[word, : word + 1])
        return (moved * gradients).addcmul_(self.weights, curvature).permute(2, 0, 1)
