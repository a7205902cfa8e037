"""Reads a piece of a corpus."""

from typing import Iterator, List

from spacy_bridge.corpus import parquet
from spacy_bridge.corpus.errors import ShardsError
from spacy_bridge.corpus.piece import Piece
from spacy_bridge.corpus.planning import digest_of
from spacy_bridge.corpus.row import Row

COLUMNS = 10


def read(piece: Piece) -> List[Row]:
    """Yields the sentences of a piece; sentences without words are skipped.

    # Raises

    ShardsError
        If the file has changed since it was planned, is not UTF-8, or is not what its format says
        (with file and line).
    """
    if piece.format == "parquet":
        return [
            row
            for row in parquet.rows(piece.path, piece.column, piece.start, piece.end)
            if _any(row)
        ]
    with open(piece.path, "rb") as file:
        file.seek(piece.start)
        content = file.read(piece.end - piece.start)
    if digest_of(piece.format, content) != piece.digest:
        raise ShardsError(
            f"{piece.path} has changed during this run, in bytes {piece.start} to {piece.end}: run "
            "the command again; finished pieces are kept"
        )
    lines = [_decoded(line, piece, number) for number, line in enumerate(content.split(b"\n"))]
    if piece.start == 0:
        lines[0] = lines[0].removeprefix("\ufeff")
    if piece.format == "text":
        return [Row(text=line.rstrip("\r")) for line in lines if line.strip()]
    return [row for row in _treebank(lines, piece) if _any(row)]


def _any(row: Row) -> bool:
    return bool(row.words) if row.text is None else bool(row.text.strip())


def _decoded(line: bytes, piece: Piece, number: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ShardsError(
            f"{piece.path}, line {piece.line + number}: expected UTF-8, found the byte "
            f"{line[error.start]:#x}"
        ) from error


def _treebank(lines: List[str], piece: Piece) -> Iterator[Row]:
    """Reads words from the lines whose ID is a plain integer."""
    words: List[List[str]] = []
    for number, line in enumerate([*lines, ""]):
        line = line.rstrip("\r")
        if not line.strip():
            if words:
                yield _sentence(words)
            words = []
        elif not line.startswith("#"):
            columns = line.split("\t")
            if len(columns) != COLUMNS:
                raise ShardsError(
                    f"{piece.path}, line {piece.line + number}: expected {COLUMNS} columns with tabs "
                    f"between them, found {len(columns)}"
                )
            if columns[0].isdecimal():
                words.append(columns)


def _sentence(words: List[List[str]]) -> Row:
    forms, upos, xpos = (tuple(columns[at] for columns in words) for at in (1, 3, 4))
    return Row(words=forms, upos=_given(upos), xpos=_given(xpos))


def _given(tags: tuple) -> "tuple | None":
    """Returns `None` if no word has a value."""
    return None if set(tags) == {"_"} else tags
