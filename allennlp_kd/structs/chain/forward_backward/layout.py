"""Packs the words of a ragged batch by position, without padding."""

from functools import cached_property
from typing import List

import torch
from torch import Tensor


class Layout:
    """The words of a batch in order of position, longest sentence first, without padding.

    The recursions over a chain then work on the sentences that still run at a position and on no
    padded cell, which is several times less work on ragged batches, and what stands in padding is
    never read.

    `N` below is the number of words of the batch, `S` that of its sentences which are not empty.
    The first `S` of the `N` words are the first words of their sentences, the other `N - S` each
    end an edge.

    # Parameters

    lengths : `Tensor`
        Shape `(batch,)`, the number of words of each sentence.
    length : `int`
        The padded length.
    """

    def __init__(self, lengths: Tensor, length: int) -> None:
        self.batch_size, self.length = lengths.shape[0], length
        ordered, order = lengths.sort(descending=True)
        positions = torch.arange(length, device=lengths.device).unsqueeze(1)
        # Shape (N,): each word's position, and the index of its sentence in the order.
        running = positions < ordered
        self.positions, self.ranks = running.nonzero(as_tuple=True)
        self._num_running = running.sum(dim=1)
        # The number of sentences with a word at each position: never increasing, never 0.
        self.sizes: List[int] = [size for size in self._num_running.tolist() if size]
        self.num_sentences = self.sizes[0] if self.sizes else 0
        # Shape (S,): the row in the batch, and the length, of each non-empty sentence.
        self.chains = order[: self.num_sentences]
        self.chain_lengths = ordered[: self.num_sentences]

    @cached_property
    def rows(self) -> Tensor:
        """Each word's row in the batch, shape `(N,)`."""
        return self.chains.index_select(0, self.ranks)

    @cached_property
    def cells(self) -> Tensor:
        """Each word's index in `(batch * length)`, shape `(N,)`."""
        return self.rows * self.length + self.positions

    @cached_property
    def _offsets(self) -> Tensor:
        return self._num_running.cumsum(0) - self._num_running

    @cached_property
    def last(self) -> Tensor:
        """The last word of each sentence, shape `(S,)`."""
        return (
            self._offsets.index_select(0, self.chain_lengths - 1) + self.ranks[: self.num_sentences]
        )

    @cached_property
    def previous(self) -> Tensor:
        """The word at the other end of each edge, shape `(N - S,)`."""
        positions, ranks = self.positions[self.num_sentences :], self.ranks[self.num_sentences :]
        return self._offsets.index_select(0, positions - 1) + ranks

    @cached_property
    def to_the_end(self) -> Tensor:
        """The number of words after each word, shape `(N,)`."""
        return (self.chain_lengths - 1).index_select(0, self.ranks) - self.positions

    @cached_property
    def num_edges(self) -> Tensor:
        """The number of edges in each sentence, shape `(S,)`."""
        return self.chain_lengths - 1

    def pack(self, values: Tensor) -> Tensor:
        """Selects the words from `values`: from `(batch, length, ...)` to `(N, ...)`."""
        return values.reshape(-1, *values.shape[2:]).index_select(0, self.cells)

    def unpack(self, words: Tensor, fill: float = 0.0) -> Tensor:
        """The inverse of `pack`: from `(N, ...)` to `(batch, length, ...)`, with `fill` in padding."""
        flat = words.new_full((self.batch_size * self.length, *words.shape[1:]), fill)
        flat = flat.index_copy(0, self.cells, words)
        return flat.view(self.batch_size, self.length, *words.shape[1:])

    def fold(self, emissions: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Returns all scores of words: emissions, with start scores at first and end scores at last
        words.

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
        """Expands each sentence's values, 0 for empty sentences: from `(S, ...)` to `(batch, ...)`."""
        empty = sentences.new_zeros((self.batch_size, *sentences.shape[1:]))
        return empty.index_copy(0, self.chains, sentences)
