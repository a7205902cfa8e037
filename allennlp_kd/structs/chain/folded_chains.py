"""Folds chains in the middle, so that Viterbi runs from both ends at once."""

from typing import List

import torch

from allennlp_kd.structs.chain.potentials import ChainPotentials


class Halves:
    """The halves of each sentence as chains that run inwards, so that both are walked at once.

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
        # How many sentences run at each position: never increasing, none of them 0.
        self.sizes: List[int] = [size for size in running.sum(dim=1).tolist() if size]
        # Shape (S,): the row of the batch of each sentence, longest first.
        self.rows = order[: self.sizes[0]]
        # (length / 2, batch, 2): the cells of (batch * length) that the halves take, inwards.
        outer = torch.stack([order * length, order * length + lengths - 1], dim=1)
        inwards = torch.tensor([1, -1], device=lengths.device)
        cells = outer + (positions * inwards).unsqueeze(1)
        # Shape (2 * N,)
        self.cells = cells.masked_select(running.unsqueeze(2))
        words = potentials.emissions.reshape(batch * length, -1).index_select(0, self.cells)
        words = words.view(-1, 2, potentials.num_tags)
        # What a shared word scores counts on the left.
        twice = self.cells[::2] == self.cells[1::2]
        words[:, 1].masked_fill_(twice.unsqueeze(1), 0.0)
        words[: self.sizes[0]] += torch.stack([potentials.start, potentials.end])
        # By position, (sentences that run, 2, tags): what the words score, with start and end.
        self.words = words.split(self.sizes)
        transitions = potentials.transitions
        # Shape (2, tags, tags): the transitions as each half meets them, [from, to].
        self.moves = torch.stack([transitions, transitions.t()])
        # Shape (S, 1): whether the halves share a word.
        self.shared = (lengths[: self.sizes[0]] % 2 == 1).unsqueeze(1)
