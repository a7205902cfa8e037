"""Splits a file into blocks of lines: sentences separated by empty lines."""

from typing import Iterable, Iterator, List, Tuple


def line_blocks(lines: Iterable[str]) -> Iterator[Tuple[int, List[str]]]:
    """Yields the lines between empty lines, without line ends, each block with the number of its
    first line (from 1).
    """
    block: List[str] = []
    number = 0
    for number, line in enumerate(lines, start=1):
        if line.strip():
            block.append(line.rstrip("\r\n"))
        elif block:
            yield number - len(block), block
            block = []
    if block:
        yield number - len(block) + 1, block
