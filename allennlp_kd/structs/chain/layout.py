"""Where the words of a ragged batch lie once its padding is left out."""
from functools import cached_property
from typing import List

import torch
from torch import Tensor


class Layout:
    """The words of a batch, position by position, longest sentence first, without any padding.

    The recursions over a chain then work on the sentences that still run at a position and on no padded
    cell, which is several times less work on ragged batches, and what stands in padding is never read.

    `N` below is the number of words of the batch, `S` that of its sentences which are not empty. The first
    `S` of the `N` words are the first words of their sentences, the other `N - S` each end an edge.

    # Parameters

    lengths : `Tensor`
        Shape `(batch,)`, the number of words of each sentence.
    length : `int`
        The padded length.
    """

    def __init__(self, lengths: Tensor, length: int) -> None:
        self.batch_size, self.length = lengths.shape[0], length
        ordered, self._order = lengths.sort(descending=True)
        positions = torch.arange(length, device=lengths.device).unsqueeze(1)
        # Shape (N,): the position of each word and the place of its sentence in the order.
        self._running = positions < ordered
        self.positions, self._ranks = self._running.nonzero(as_tuple=True)
        # How many sentences run at each position: never increasing, none of them 0.
        self.sizes: List[int] = [size for size in self._running.sum(dim=1).tolist() if size]
        self.num_sentences = self.sizes[0] if self.sizes else 0
        self._lengths = ordered[: self.num_sentences]
        # Shape (N,): the row of the batch that each word belongs to.
        self.rows = self._order[self._ranks]

    @cached_property
    def cells(self) -> Tensor:
        """Shape `(N,)`: each word's place in `(batch * length)`."""
        return self.rows * self.length + self.positions

    @cached_property
    def _offsets(self) -> Tensor:
        sizes = self._running.sum(dim=1)
        return sizes.cumsum(0) - sizes

    @cached_property
    def last(self) -> Tensor:
        """Shape `(S,)`: the last word of each sentence."""
        ranks = torch.arange(self.num_sentences, device=self.rows.device)
        return self._offsets[self._lengths - 1] + ranks

    @cached_property
    def previous(self) -> Tensor:
        """Shape `(N - S,)`: the word at the other end of each edge."""
        first = self.num_sentences
        return self._offsets[self.positions[first:] - 1] + self._ranks[first:]

    @cached_property
    def num_edges(self) -> Tensor:
        """Shape `(batch,)`: how many edges each sentence has."""
        edges = self.rows.new_zeros(self.batch_size)
        return edges.index_copy(0, self._order[: self.num_sentences], self._lengths - 1)

    def pack(self, values: Tensor) -> Tensor:
        """The words' cells of `values`: from `(batch, length, ...)` to `(N, ...)`."""
        return values.reshape(-1, *values.shape[2:]).index_select(0, self.cells)

    def unpack(self, words: Tensor, fill: float = 0.0) -> Tensor:
        """The way back: from `(N, ...)` to `(batch, length, ...)`, with `fill` in padding."""
        flat = words.new_full((self.batch_size * self.length, *words.shape[1:]), fill)
        flat = flat.index_copy(0, self.cells, words)
        return flat.view(self.batch_size, self.length, *words.shape[1:])

    def fold(self, emissions: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """All that a chain's words score: the emissions, with start at first and end at last words.

        # Parameters

        emissions : `Tensor`
            Shape `(batch, length, tags)`.
        start, end : `Tensor`
            Shape `(tags,)`.

        # Returns

        `Tensor`
            Shape `(N, tags)`.
        """
        ends = end.expand(self.num_sentences, -1)
        words = self.pack(emissions).index_add(0, self.last, ends)
        return torch.cat([words[: self.num_sentences] + start, words[self.num_sentences :]])

    def sum_words(self, values: Tensor) -> Tensor:
        """Sums over the words of each sentence: from `(N,)` to `(batch,)`."""
        return values.new_zeros(self.batch_size).index_add(0, self.rows, values)

    def sum_edges(self, values: Tensor) -> Tensor:
        """Sums over the edges of each sentence: from `(N - S,)` to `(batch,)`."""
        rows = self.rows[self.num_sentences :]
        return values.new_zeros(self.batch_size).index_add(0, rows, values)

    def spread(self, sentences: Tensor) -> Tensor:
        """Each sentence's values put into its row, 0 for empty ones: `(S, ...)` to `(batch, ...)`."""
        empty = sentences.new_zeros((self.batch_size, *sentences.shape[1:]))
        return empty.index_copy(0, self._order[: self.num_sentences], sentences)
