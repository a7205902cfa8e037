"""Sentences of like length together, so that little is padded."""
from typing import Iterator, List, Sequence

MAX_ROWS = 64
MAX_CELLS = 4096


def batches_by_length(lengths: Sequence[int], max_rows: int = MAX_ROWS) -> Iterator[List[int]]:
    """Indices of the sentences that have words, longest first, in batches.

    A batch has at most `max_rows` sentences and, unless it is one sentence, `MAX_CELLS` padded words.
    """
    order = sorted((row for row, length in enumerate(lengths) if length), key=lambda row: -lengths[row])
    start = 0
    while start < len(order):
        count = min(max_rows, max(1, MAX_CELLS // lengths[order[start]]))
        yield order[start : start + count]
        start += count
