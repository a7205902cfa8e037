"""Reads annotated files of any tool: CoNLL-U, columns or JSON lines."""

import json
import math
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from allennlp.common.checks import ConfigurationError

from allennlp_kd.text_files import column_blocks, line_blocks, lines_of

TREE = "tree"
CONLLU_COLUMNS = {"upos": 3, "xpos": 4}
HEAD, RELATION = 6, 7


class Annotation(NamedTuple):
    """One annotated structure of a sentence.

    # Parameters

    words : `Tuple[str, ...]`
    labels : `Tuple[str, ...]`
        A tag, or the label of the arc to its head, for each word.
    heads : `Tuple[int, ...]`, optional
        The head of each word, counted from 1, 0 for ROOT; `None` for tags.
    weight : `float`
        How much it counts among the structures of one sentence.
    place : `str`
        Its file and line, for errors.
    """

    words: Tuple[str, ...]
    labels: Tuple[str, ...]
    heads: Optional[Tuple[int, ...]]
    weight: float
    place: str


def format_of(path: str) -> str:
    """Returns a file's format from its name: `conllu`, `jsonl` or `columns`."""
    suffix = Path(path).suffix.lower()
    return {".conllu": "conllu", ".jsonl": "jsonl"}.get(suffix, "columns")


def read_annotations(path: str, kind: str, column: Optional[str]) -> Iterator[Annotation]:
    """
    # Parameters

    path : `str`
        The file.
    kind : `str`
        `conllu`, `columns` or `jsonl`.
    column : `str`, optional
        For CoNLL-U `tree` (the default), `upos` or `xpos`; for columns the number of the tags'
        column from 0, negative from the end (the default is the last).

    # Raises

    ConfigurationError
        If the file is missing or a line is malformed; it names file and line.
    """
    reader: Callable[..., Iterator[Annotation]] = {
        "conllu": _conllu,
        "columns": _columns,
        "jsonl": _json_lines,
    }[kind]
    try:
        yield from reader(path, lines_of(path), column)
    except FileNotFoundError:
        raise ConfigurationError(f"the file of annotations {path} is missing") from None


def _conllu(path: str, lines: Any, column: Optional[str]) -> Iterator[Annotation]:
    column = column or TREE
    for first, block in line_blocks(lines):
        weight = 1.0
        rows: List[List[str]] = []
        for number, line in enumerate(block, start=first):
            place = f"{path}, line {number}"
            if line.startswith("#"):
                name, _, value = line[1:].partition("=")
                if name.strip() == "weight":
                    weight = _weight(value.strip(), place)
                continue
            cells = line.split("\t")
            if len(cells) != 10:
                raise ConfigurationError(
                    f"{place}: expected 10 columns, found {len(cells)}: {line!r}"
                )
            if cells[0].isdecimal():
                rows.append(cells)
        if not rows:
            continue
        words = tuple(row[1] for row in rows)
        place = f"{path}, line {first}"
        if column == TREE:
            heads = [row[HEAD] for row in rows]
            if any(not head.isdecimal() or int(head) > len(rows) for head in heads):
                raise ConfigurationError(
                    f"{place}: heads must be numbers from 0 to {len(rows)}, found {heads}"
                )
            labels = tuple(row[RELATION] for row in rows)
            yield Annotation(words, labels, tuple(map(int, heads)), weight, place)
        else:
            tags = tuple(row[CONLLU_COLUMNS[column]] for row in rows)
            if "_" in tags:
                raise ConfigurationError(f"{place}: word {tags.index('_') + 1} has no {column}")
            yield Annotation(words, tags, None, weight, place)


def _columns(path: str, lines: Any, column: Optional[str]) -> Iterator[Annotation]:
    index = -1 if column is None else int(column)
    for block in column_blocks(lines):
        for line in block:
            found = len(line.cells)
            if not -found < index < found or found < 2 or index == 0:
                raise ConfigurationError(
                    f"{path}, line {line.number}: expected a word and a tag in column {index}, found "
                    f"{line.text!r}"
                )
        words = tuple(line.cells[0] for line in block)
        tags = tuple(line.cells[index] for line in block)
        yield Annotation(words, tags, None, 1.0, f"{path}, line {block[0].number}")


def _json_lines(path: str, lines: Any, column: Optional[str]) -> Iterator[Annotation]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{place} is not JSON: {error}") from error
        if not isinstance(found, dict) or not _are_texts(found.get("words")):
            raise ConfigurationError(f"{place}: expected an object with `words`, a list of strings")
        labels = found.get("tags", found.get("labels"))
        if not _are_texts(labels) or len(labels) != len(found["words"]):
            raise ConfigurationError(
                f"{place}: expected `tags` (or `heads` and `labels`), one for each of the "
                f"{len(found['words'])} words"
            )
        heads = None if "tags" in found else _heads(found, place)
        weight = _weight(found.get("weight", 1.0), place)
        yield Annotation(tuple(found["words"]), tuple(labels), heads, weight, place)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _heads(found: Dict[str, Any], place: str) -> Tuple[int, ...]:
    heads, words = found.get("heads"), len(found["words"])
    good = isinstance(heads, list) and len(heads) == words
    if not good or not all(type(head) is int and 0 <= head <= words for head in heads):
        raise ConfigurationError(
            f"{place}: `heads` must be {words} numbers from 0 to {words}, found {heads}"
        )
    return tuple(heads)


def _weight(value: Any, place: str) -> float:
    try:
        weight = float(value)
    except (TypeError, ValueError):
        weight = math.nan
    if not 0 < weight < math.inf:
        raise ConfigurationError(f"{place}: a weight must be a number above 0, found {value!r}")
    return weight
