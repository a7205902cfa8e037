"""Finds the malformed line in a file that a dataset reader cannot read or would misread."""

import codecs
import re
from os import PathLike
from typing import Optional, Union

from allennlp.common.file_utils import cached_path
from allennlp.data import DatasetReader

from allennlp_kd.text_files import is_document_start

# Keyed by class name, because the second reader is not part of AllenNLP itself.
COLUMNS = {"Conll2003DatasetReader": 4, "Conll2000DatasetReader": 3}
OTHERS = ("SequenceTaggingDatasetReader", "UniversalDependenciesDatasetReader")
TREEBANK_COLUMNS = 10
# The ID of a multi-word range ("1-2") or of an empty node ("1.1").
NO_WORD = re.compile(r"\d+[-.]\d+")


def columns_of(reader: DatasetReader) -> Optional[int]:
    """Returns the number of columns that a reader expects; `None` if it is not one of `COLUMNS`."""
    names = (each.__name__ for each in type(reader).__mro__)
    return next((COLUMNS[name] for name in names if name in COLUMNS), None)


def byte_order_mark(reader: DatasetReader, path: Union[str, PathLike]) -> Optional[str]:
    """Finds a byte-order mark that one of AllenNLP's readers would read as a part of the first word.

    # Returns

    `str`, optional
        A sentence that names the file; `None` if there is no mark, or the reader is another one.
    """
    if not any(each.__name__ in (*COLUMNS, *OTHERS) for each in type(reader).__mro__):
        return None
    with open(cached_path(path), "rb") as file:
        if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            return None
    return (
        f"{path} begins with a byte-order mark, which would become a part of its first word: save it "
        "as UTF-8 without one"
    )


def ragged_line(path: Union[str, PathLike], expected: int) -> Optional[str]:
    """Finds the first line with a wrong number of columns.

    # Parameters

    path : `str`
        A file with one word per line, its annotation in columns, and an empty line between sentences.
    expected : `int`
        The number of columns.

    # Returns

    `str`, optional
        A sentence that names file, line, and both numbers; `None` if all lines have that number.
    """
    with open(cached_path(path), encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            columns = line.split()
            if not columns or is_document_start(line):
                continue
            if len(columns) != expected:
                return f"{path}, line {number}: expected {expected} columns, found {len(columns)}"
    return None


def untagged_word(
    path: Union[str, PathLike], delimiter: str, between_words: Optional[str]
) -> Optional[str]:
    """Finds the first line of a `word###tag` file that has a word without a tag.

    # Parameters

    path : `str`
        A file with one sentence per line.
    delimiter : `str`
        What stands between a word and its tag.
    between_words : `str`, optional
        What stands between words; white space if `None`.

    # Returns

    `str`, optional
        A sentence that names file, line, and the word; `None` if all words have tags.
    """
    with open(cached_path(path), encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            for pair in line.strip("\n").split(between_words):
                if pair and delimiter not in pair:
                    return f"{path}, line {number}: expected word{delimiter}tag, found '{pair}'"
    return None


def headless_word(path: Union[str, PathLike]) -> Optional[str]:
    """Finds the first line of a treebank that has a word without a head or a relation.

    # Parameters

    path : `str`
        A file in CoNLL-U format.

    # Returns

    `str`, optional
        A sentence that names file, line, and the word; `None` if all words have both.
    """
    with open(cached_path(path), encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            columns = line.rstrip("\r\n").split("\t")
            if not line.strip() or line.startswith("#") or NO_WORD.fullmatch(columns[0]):
                continue
            if len(columns) != TREEBANK_COLUMNS:
                return (
                    f"{path}, line {number}: expected {TREEBANK_COLUMNS} columns with tabs between "
                    f"them, found {len(columns)}"
                )
            if not columns[6].isdecimal() or columns[7] in ("", "_"):
                return (
                    f"{path}, line {number}: the word '{columns[1]}' has the head '{columns[6]}' "
                    f"and the relation '{columns[7]}'"
                )
    return None


def fault_of(reader: DatasetReader, path: Union[str, PathLike]) -> Optional[str]:
    """Returns the reason why a reader failed on a file; `None` if it is unknown."""
    if type(reader).__name__ == "SequenceTaggingDatasetReader":
        return untagged_word(path, reader._word_tag_delimiter, reader._token_delimiter)
    if type(reader).__name__ == "UniversalDependenciesDatasetReader":
        return headless_word(path)
    expected = columns_of(reader)
    return None if expected is None else ragged_line(path, expected)
