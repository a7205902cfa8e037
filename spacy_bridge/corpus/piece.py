"""A piece of a corpus, the input of one task."""

from typing import NamedTuple


class Piece(NamedTuple):
    """
    # Parameters

    number : `int`
        Its place in the corpus, from 0.
    path : `str`
        As the workers see it.
    format : `str`
        One of `formats.FORMATS`.
    start, end : `int`
        Bytes of the file; of a Parquet file, rows.
    line : `int`
        The number of its first line (from 1), for messages; of a Parquet file, 0.
    sentences : `int`
    column : `str`
        Of a Parquet file, else empty.
    digest : `str`
        Of what is read there and how: the same for the same content, wherever it is.
    """

    number: int
    path: str
    format: str
    start: int
    end: int
    line: int
    sentences: int
    column: str
    digest: str
