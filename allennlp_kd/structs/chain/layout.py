"""Where the words of a ragged batch lie once its padding is left out."""
from typing import List

import torch
from torch import Tensor


class Layout:
    """The words of a batch, position by position, longest sentence first, without any padding.

    The recursions over a chain then work on the sentences that still run at a position and on no padded
    cell, which is several times less work on ragged batches, and what stands in padding is never read.

    `N` below is the number of words of the batch, `S` that of its sentences which are not empty.

    # Parameters

    mask : `Tensor`
        Shape `(batch, length)`, boolean; each row a run of `True`, then of `False`.
    """

    def __init__(self, mask: Tensor) -> None:
        self.batch_size, self.length = mask.shape
        lengths = mask.sum(dim=1)
        order = lengths.argsort(descending=True)
        time, rank = mask[order].t().nonzero(as_tuple=True)
        # How many sentences run at each position: never increasing, none of them 0.
        self.sizes: List[int] = [size for size in mask.sum(dim=0).tolist() if size]
        running = torch.tensor(self.sizes, dtype=torch.long, device=mask.device)
        offsets = running.cumsum(0) - running
        self.num_sentences = self.sizes[0] if self.sizes else 0
        # Shape (S,): the row of the batch, and the number of words, of each sentence, longest first.
        self.sentences = order[: self.num_sentences]
        self.lengths = lengths[self.sentences]
        # Shape (N,): the row of the batch that each word belongs to, and its cell in (batch * length).
        self.rows = order[rank]
        self.cells = self.rows * self.length + time
        # Shape (S,): the last word of each sentence.
        self.last = offsets[self.lengths - 1] + torch.arange(self.num_sentences, device=mask.device)
        # Shape (N - S,): the word before each word that is not the first. Those come after the S first.
        self.previous = offsets[time[self.num_sentences :] - 1] + rank[self.num_sentences :]

    def pack(self, values: Tensor) -> Tensor:
        """The words' cells of `values`: from `(batch, length, ...)` to `(N, ...)`."""
        return values.reshape(-1, *values.shape[2:]).index_select(0, self.cells)

    def unpack(self, words: Tensor, fill: float = 0.0) -> Tensor:
        """The way back: from `(N, ...)` to `(batch, length, ...)`, with `fill` in padding."""
        flat = words.new_full((self.batch_size * self.length, *words.shape[1:]), fill)
        return flat.index_copy(0, self.cells, words).view(
            self.batch_size, self.length, *words.shape[1:]
        )

    def sum_words(self, values: Tensor) -> Tensor:
        """Sums over the words of each sentence: from `(N,)` to `(batch,)`."""
        return values.new_zeros(self.batch_size).index_add(0, self.rows, values)

    def sum_edges(self, values: Tensor) -> Tensor:
        """Sums over the edges of each sentence: from `(N - S,)` to `(batch,)`."""
        rows = self.rows[self.num_sentences :]
        return values.new_zeros(self.batch_size).index_add(0, rows, values)

    def spread(self, sentences: Tensor) -> Tensor:
        """Each sentence's value put into its row: from `(S,)` to `(batch,)`, 0 for empty sentences."""
        return sentences.new_zeros(self.batch_size).index_copy(0, self.sentences, sentences)
