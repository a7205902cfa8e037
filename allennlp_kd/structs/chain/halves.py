"""A batch of chains, each cut in the middle."""
from functools import cached_property

import torch
from torch import Tensor

from allennlp_kd.structs.chain.layout import Layout
from allennlp_kd.structs.chain.potentials import ChainPotentials


class Halves(Layout):
    """The two halves of each sentence as chains that run inwards, so that both are walked at once.

    Row b of these `2 * batch` chains is the first ceil(n / 2) words of sentence b, row `batch + b` the other
    words from the last one back. `N` words and `H` chains that are not empty, in the order of `Layout`.

    # Parameters

    potentials : `ChainPotentials`
    """

    def __init__(self, potentials: ChainPotentials) -> None:
        self._potentials = potentials
        lengths = potentials.lengths
        left = torch.div(lengths + 1, 2, rounding_mode="floor")
        super().__init__(torch.cat([left, lengths - left]), (potentials.mask.shape[1] + 1) // 2)
        # Shape (N,)
        self._is_right = self.rows >= potentials.batch_size
        self._sentences = self.rows - self._is_right * potentials.batch_size

    @cached_property
    def cells(self) -> Tensor:
        """Shape `(N,)`: each word's place in the sentences' `(batch * length)`."""
        from_right = self._potentials.lengths[self._sentences] - 1 - self.positions
        places = torch.where(self._is_right, from_right, self.positions)
        return self._sentences * self._potentials.mask.shape[1] + places

    @cached_property
    def words(self) -> Tensor:
        """Shape `(N, tags)`: the emissions, with start and end where they belong."""
        potentials, count = self._potentials, self.num_sentences
        words = potentials.emissions.flatten(0, 1).index_select(0, self.cells)
        outer = torch.stack([potentials.start, potentials.end])[self._is_right[:count].long()]
        # The only word of a sentence stands in its left half and bears its end too.
        alone = potentials.lengths[self._sentences[:count]] == 1
        outer = torch.where(alone.unsqueeze(1), outer + potentials.end, outer)
        words[:count] += outer
        return words

    @cached_property
    def moves(self) -> Tensor:
        """Shape `(H, tags, tags)`: the transitions as each chain meets them, `[to, from]`."""
        transitions = self._potentials.transitions
        both = torch.stack([transitions.t(), transitions])
        return both.index_select(0, self._is_right[: self.num_sentences].long())
