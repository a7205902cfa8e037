"""Splits a corpus into pieces in one pass over its bytes."""

import hashlib
from typing import BinaryIO, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from spacy_bridge.corpus import parquet
from spacy_bridge.corpus.errors import ShardsError
from spacy_bridge.corpus.formats import format_of
from spacy_bridge.corpus.piece import Piece

SENTENCES = 1024
BLOCK = 1 << 20
MARK = b"\xef\xbb\xbf"  # the UTF-8 byte order mark at the start of some files


class _Span(NamedTuple):
    """A range of bytes or rows in a file."""

    start: int
    end: int
    line: int
    sentences: int
    digest: str


def plan(
    paths: Iterable[str],
    format: Optional[str] = None,
    column: str = "",
    sentences: int = SENTENCES,
) -> Iterator[Piece]:
    """Yields the pieces of a corpus in order.

    # Parameters

    paths : `Iterable[str]`
        Files, as the workers see them.
    format : `str`, optional
        Of all files; by default each file's suffix says it.
    column : `str`, optional
        Of Parquet files; by default `words`, or `text` where there is none.
    sentences : `int`, optional (default = `1024`)
        The most in a piece.

    # Raises

    ShardsError
        If a file's format is not known, a Parquet file has no such column, or `sentences` is less
        than 1.
    """
    if sentences < 1:
        raise ShardsError(f"a shard must have at least 1 sentence, found {sentences}")
    number = 0
    for path in paths:
        kind = format_of(path, format)
        found = ""
        if kind == "parquet":
            found = parquet.column_of(path, column)
            spans = _rows(path, found, sentences)
        else:
            spans = _lines(path, kind, sentences)
        for start, end, line, held, digest in spans:
            yield Piece(number, path, kind, start, end, line, held, found, digest)
            number += 1


def digest_of(kind: str, content: bytes) -> str:
    """Returns a digest of the bytes in a piece of text or CoNLL-U."""
    return hashlib.blake2b(kind.encode() + b"\0" + content, digest_size=16).hexdigest()


def _lines(path: str, kind: str, sentences: int) -> Iterator[_Span]:
    with open(path, "rb") as file:
        block: List[bytes] = []
        start = offset = held = 0
        first = 1
        for number, (line, ends) in enumerate(_sentence_ends(file, kind), start=1):
            block.append(line)
            offset += len(line)
            held += ends
            if held == sentences:
                yield _Span(start, offset, first, held, digest_of(kind, b"".join(block)))
                block, start, first, held = [], offset, number + 1, 0
        if held:
            yield _Span(start, offset, first, held, digest_of(kind, b"".join(block)))


def _sentence_ends(file: BinaryIO, kind: str) -> Iterator[Tuple[bytes, bool]]:
    """Yields each line, and whether a sentence ends with it."""
    if kind == "text":
        for number, line in enumerate(file):
            # Unicode white space counts, as it does when words are read.
            yield line, bool(_unmarked(line, number).decode("utf-8", "replace").strip())
        return
    before: Optional[bytes] = None
    inside = False
    number = -1
    for number, line in enumerate(file):
        if before is not None:
            text = _unmarked(before, number - 1)
            blank = not text.strip()
            yield before, blank and inside
            inside = not blank and (inside or not text.startswith(b"#"))
        before = line
    if before is not None:
        text = _unmarked(before, number)
        yield before, inside if not text.strip() else inside or not text.startswith(b"#")


def _unmarked(line: bytes, number: int) -> bytes:
    """Removes the byte order mark of a file's first line, number 0."""
    return line.removeprefix(MARK) if number == 0 else line


def _rows(path: str, column: str, sentences: int) -> Iterator[_Span]:
    rows = parquet.count(path)
    content = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            content.update(block)
    for start in range(0, rows, sentences):
        end = min(start + sentences, rows)
        what = f"{column}\0{start}\0{end}\0".encode() + content.digest()
        yield _Span(start, end, 0, end - start, digest_of("parquet", what))
