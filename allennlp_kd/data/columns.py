"""What is wrong with a file of columns."""
from os import PathLike
from typing import Optional, Union


def ragged_line(path: Union[str, PathLike]) -> Optional[str]:
    """The first line that has another number of columns than the first one of the file.

    # Parameters

    path : `str`
        A file with a word a line, its annotation in columns, and an empty line between sentences.

    # Returns

    `str`, optional
        A sentence that names file, line, and both numbers; `None` if all lines have the same number.
    """
    expected = None
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            columns = len(line.split())
            if columns == 0:
                continue
            expected = expected or columns
            if columns != expected:
                return f"{path}, line {number}: expected {expected} columns, found {columns}"
    return None
