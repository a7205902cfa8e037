"""Counts of sentences as text, for a line of JSON."""

import base64
import zlib

import numpy


def packed(counts: numpy.ndarray) -> str:
    """As text, for a line of JSON."""
    return base64.b64encode(zlib.compress(counts.astype("<u2").tobytes(), 9)).decode("ascii")


def unpacked(text: str) -> numpy.ndarray:
    """The inverse of `packed`; shape `(sentences, 3)`."""
    return numpy.frombuffer(zlib.decompress(base64.b64decode(text)), dtype="<u2").reshape(-1, 3)
