"""Folds chains in the middle, so that Viterbi can run from both ends at once."""

from typing import List

import torch

from allennlp_kd.structs.chain.potentials import ChainPotentials


class Halves:
    """The two halves of each sentence as chains toward the middle, which are processed together.

    The left half of a sentence of n words is its first ceil(n / 2) words, the right half its last
    ceil(n / 2) words from the last one back. Where n is odd the word in the middle ends both.

    Words come position by position, longest sentence first, without padding: `N` for each of the
    two halves, of `S` sentences that are not empty.

    # Parameters

    potentials : `ChainPotentials`
    """

    def __init__(self, potentials: ChainPotentials) -> None:
        batch, length = potentials.mask.shape
        lengths, order = potentials.lengths.sort(descending=True)
        positions = torch.arange((length + 1) // 2, device=lengths.device).unsqueeze(1)
        running = positions * 2 < lengths
        # The number of sentences with a word at each position: never increasing, never 0.
        self.sizes: List[int] = [size for size in running.sum(dim=1).tolist() if size]
        # Shape (S,): each sentence's row in the batch, longest first.
        self.rows = order[: self.sizes[0]]
        # (length / 2, batch, 2): the cells of (batch * length) in each half, toward the middle.
        outer = torch.stack([order * length, order * length + lengths - 1], dim=1)
        inwards = torch.tensor([1, -1], device=lengths.device)
        cells = outer + (positions * inwards).unsqueeze(1)
        # Shape (2 * N,)
        self.cells = cells.masked_select(running.unsqueeze(2))
        words = potentials.emissions.reshape(batch * length, -1).index_select(0, self.cells)
        words = words.view(-1, 2, potentials.num_tags)
        # The score of a shared word belongs to the left half.
        twice = self.cells[::2] == self.cells[1::2]
        words[:, 1].masked_fill_(twice.unsqueeze(1), 0.0)
        words[: self.sizes[0]] += torch.stack([potentials.start, potentials.end])
        # By position, (sentences at this position, 2, tags): the scores of words, with start and
        # end.
        self.words = words.split(self.sizes)
        transitions = potentials.transitions
        # Shape (2, tags, tags): the transitions in the direction of each half, [from, to].
        self.moves = torch.stack([transitions, transitions.t()])
        # Shape (S, 1): whether the halves share a word.
        self.shared = (lengths[: self.sizes[0]] % 2 == 1).unsqueeze(1)
