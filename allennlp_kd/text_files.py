"""Reads text files: their lines, sentences separated by empty lines, and columns."""

from os import PathLike
from typing import Iterable, Iterator, List, NamedTuple, Tuple, Union

from allennlp.common.checks import ConfigurationError
from allennlp.common.file_utils import cached_path

DOCUMENT_START = "-DOCSTART-"


class ColumnLine(NamedTuple):
    """A line with columns: its number from 1, its text without the line end, and its cells."""

    number: int
    text: str
    cells: List[str]


def lines_of(path: Union[str, PathLike]) -> Iterator[str]:
    """Yields the lines of a UTF-8 file without their line ends and without a byte-order mark.

    # Raises

    ConfigurationError
        If a line is not UTF-8.
    """
    with open(cached_path(path), "rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ConfigurationError(
                    f"{path}, line {number}: expected UTF-8, found the byte {line[error.start]:#x}"
                ) from error
            yield text.rstrip("\r\n")


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


def column_blocks(lines: Iterable[str]) -> Iterator[List[ColumnLine]]:
    """Yields the sentences of a file with one word per line and its annotation in columns.

    A line of `-DOCSTART-` separates sentences, as an empty line does.
    """
    texts = ("" if is_document_start(line) else line for line in lines)
    for first, block in line_blocks(texts):
        yield [ColumnLine(number, line, cells_of(line)) for number, line in enumerate(block, first)]


def cells_of(line: str) -> List[str]:
    """Splits a line into columns: at tabs if the line has one, otherwise at white space."""
    return line.split("\t") if "\t" in line else line.split()


def is_document_start(line: str) -> bool:
    """Whether a line begins with `-DOCSTART-`."""
    return line.split(maxsplit=1)[:1] == [DOCUMENT_START]
