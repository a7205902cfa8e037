"""Batches sentences of similar length, to reduce padding."""

from typing import Iterator, List, Sequence

MAX_ROWS = 128


def batches_by_length(lengths: Sequence[int], max_cells: int = 4096) -> Iterator[List[int]]:
    """Yields batches of indices of non-empty sentences, longest first.

    A batch has at most `MAX_ROWS` sentences and, unless it is one sentence, `max_cells` padded words.
    """
    order = sorted(
        (row for row, length in enumerate(lengths) if length), key=lambda row: -lengths[row]
    )
    start = 0
    while start < len(order):
        count = min(MAX_ROWS, max(1, max_cells // lengths[order[start]]))
        yield order[start : start + count]
        start += count
