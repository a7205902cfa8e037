"""Orthographic features of a word and their hashes, the input of a student with hashed embeddings."""

import re
from functools import partial
from typing import Callable, Dict, List, Sequence, Tuple

import numpy
from murmurhash import mrmr

DEFAULT_FEATURES: Tuple[str, ...] = (
    "lower",
    "form",
    "prefix1",
    "prefix3",
    "suffix2",
    "suffix3",
    "suffix4",
    "shape",
)
SEEDS = (0, 1)
"""The seeds of MurmurHash3; each feature has one hash per seed."""

_AFFIX = re.compile(r"(prefix|suffix)([1-9][0-9]*)")
_LONGEST_SHAPE = 100


def word_shape(word: str) -> str:
    """Returns spaCy's word shape: `Xx` for letters, `d` for digits, at most four equal symbols in a
    row.

    "Apple" has the shape `Xxxxx`, "C3PO" `XdXX`, "1999-2000" `dddd-dddd`. A word of 100 characters
    or more has the shape `LONG`.
    """
    if len(word) >= _LONGEST_SHAPE:
        return "LONG"
    shape: List[str] = []
    for character in word:
        if character.isalpha():
            kind = "X" if character.isupper() else "x"
        else:
            kind = "d" if character.isdigit() else character
        if shape[-4:] != [kind] * 4:
            shape.append(kind)
    return "".join(shape)


def feature_function(name: str) -> Callable[[str], str]:
    """Returns the function that computes a feature of a word.

    # Parameters

    name : `str`
        `lower`, `form`, `shape`, `prefixN` or `suffixN` with N of at least 1.

    # Raises

    ValueError
        If there is no such feature.
    """
    simple: Dict[str, Callable[[str], str]] = {
        "lower": str.lower,
        "form": str,
        "shape": word_shape,
    }
    if name in simple:
        return simple[name]
    affix = _AFFIX.fullmatch(name)
    if affix is None:
        raise ValueError(
            f"unknown word feature '{name}': expected lower, form, shape, prefixN or suffixN, such "
            "as suffix3"
        )
    length = int(affix.group(2))
    return partial(_prefix if affix.group(1) == "prefix" else _suffix, length=length)


def _prefix(word: str, length: int) -> str:
    return word[:length]


def _suffix(word: str, length: int) -> str:
    return word[-length:]


class WordFeatureHashes:
    """Hashes the features of words with MurmurHash3 (32 bits, over the bytes of UTF-8).

    The hashes are the same in every process, on every platform and with every supported version of
    Python. The only exception are the features `lower` and `shape` of characters that are newer
    than the Unicode tables of a Python version.

    # Parameters

    features : `Sequence[str]`, optional
        See `feature_function`. The default is `DEFAULT_FEATURES`.

    # Raises

    ValueError
        If a feature is unknown or named twice, or there is none.
    """

    def __init__(self, features: Sequence[str] = DEFAULT_FEATURES) -> None:
        self.features = tuple(features)
        if not self.features or len(set(self.features)) < len(self.features):
            raise ValueError(
                f"expected at least one word feature and no duplicates, found {list(self.features)}"
            )
        self._functions = [feature_function(name) for name in self.features]

    @property
    def size(self) -> int:
        """The number of hashes per word."""
        return len(self.features) * len(SEEDS)

    def __call__(self, word: str) -> List[int]:
        """Returns the hashes of a word in [1, 2^32]: both of the first feature, then both of the
        next.

        0 is left for padding.
        """
        hashes = []
        for function in self._functions:
            # A lone surrogate, which UTF-8 cannot encode, must not cause an error.
            value = function(word).encode("utf-8", errors="surrogatepass")
            hashes.extend((mrmr.hash(value, seed) & 0xFFFFFFFF) + 1 for seed in SEEDS)
        return hashes

    def many(self, words: Sequence[str]) -> numpy.ndarray:
        """Returns the hashes of words: shape `(words, size)`, int64."""
        found = numpy.empty((len(words), self.size), numpy.int64)
        for row, word in enumerate(words):
            found[row] = self(word)
        return found
