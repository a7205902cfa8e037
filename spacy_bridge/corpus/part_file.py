"""Checks that a file of annotated docs is complete."""

import zlib
from pathlib import Path

BLOCK = 1 << 20
PARQUET = b"PAR1"


def is_whole(file: Path) -> bool:
    """Whether a `DocBin` (`.spacy`) or Parquet file exists, and is neither empty nor truncated.

    A `DocBin` is one zlib stream, which ends with a checksum. A Parquet file begins and ends with `PAR1`.
    """
    if not file.is_file():
        return False
    with open(file, "rb") as blocks:
        if file.suffix == ".parquet":
            size = file.stat().st_size
            first = blocks.read(len(PARQUET))
            blocks.seek(max(0, size - len(PARQUET)))
            return size > 2 * len(PARQUET) and first == blocks.read() == PARQUET
        stream = zlib.decompressobj()
        try:
            while block := blocks.read(BLOCK):
                while block and not stream.eof:
                    stream.decompress(block, BLOCK)
                    block = stream.unconsumed_tail
            stream.flush()
        except zlib.error:
            return False
        return stream.eof
