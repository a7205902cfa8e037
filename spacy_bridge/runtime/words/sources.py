"""Word vectors that depend only on the word."""

import os
import threading
from typing import Dict, List, Mapping, Optional, Protocol, Sequence

import numpy

from spacy_bridge.runtime.networks.session import LazySession
from spacy_bridge.runtime.words.vocabulary import TokenNumbers

LONGEST_WORD = 4096
"""The maximum number of characters of a word, or of a part of one, computed at once."""
PARTS_AT_ONCE = 4


class WordSource(Protocol):
    """Computes a vector of `size` numbers for each word."""

    size: int

    def __call__(self, words: Sequence[str]) -> numpy.ndarray:
        """Returns shape `(words, size)`."""
        ...


class EmbeddedWords:
    """An embedding of whole words: AllenNLP's indexer `single_id` with its embedder `embedding`.

    # Parameters

    numbers : `TokenNumbers`
    weight : `numpy.ndarray`
        Shape `(numbers, size)`, float32, or int8 with a scale.
    scale : `numpy.ndarray`, optional
        Shape `(numbers,)`, float32: what each row is to be multiplied by.
    lowercase : `bool`, optional (default = `False`)
    """

    def __init__(
        self,
        numbers: TokenNumbers,
        weight: numpy.ndarray,
        scale: Optional[numpy.ndarray] = None,
        lowercase: bool = False,
    ) -> None:
        self._numbers = numbers
        self._scale = scale
        self._weight = weight
        self._lowercase = lowercase
        self.size = weight.shape[1]

    def __call__(self, words: Sequence[str]) -> numpy.ndarray:
        """See `WordSource`."""
        if self._lowercase:
            words = [word.lower() for word in words]
        rows = self._numbers.many(words)
        vectors = self._weight[rows].astype(numpy.float32, copy=False)
        return vectors if self._scale is None else vectors * self._scale[rows, None]


class SpelledWords:
    """A network over the characters of a word: the indexer `characters` with `character_encoding`.

    # Parameters

    numbers : `TokenNumbers`
    network : `LazySession`
        From `characters` (words, characters) of type int64 and `lengths` (words,) of type int32 to
        vectors (words, size).
    size : `int`
    min_characters : `int`
        Shorter words are padded to this length, so that each filter of a CNN fits.
    lowercase : `bool`, optional (default = `False`)
    byte_encoding : `str`, optional
        Take the bytes of this encoding, each plus 1, instead of characters' numbers.
    start, end : `Sequence[int]`, optional
        The numbers of what stands before and after each word.
    overlap : `int`, optional
        If the vector of a word is the maximum of those of its parts, the characters that these must share.
        Then a word of more than `LONGEST_WORD` characters is computed part by part. For a network
        without this property, only the first `LONGEST_WORD` characters of a word are read.
    """

    def __init__(
        self,
        numbers: Optional[TokenNumbers],
        network: LazySession,
        size: int,
        min_characters: int,
        lowercase: bool = False,
        byte_encoding: Optional[str] = None,
        start: Sequence[int] = (),
        end: Sequence[int] = (),
        overlap: Optional[int] = None,
    ) -> None:
        self._numbers = numbers
        self._network = network
        self.size = size
        self._min_characters = max(1, min_characters)
        self._lowercase = lowercase
        self._byte_encoding = byte_encoding
        self._start, self._end = list(start), list(end)
        self._overlap = overlap

    def numbers_of(self, word: str) -> List[int]:
        """Returns the indices of a word's characters, as AllenNLP's `TokenCharactersIndexer` does."""
        if self._lowercase:
            word = word.lower()
        if self._byte_encoding is not None:
            # A lone surrogate has no UTF-8 bytes; AllenNLP fails on it.
            inner = [byte + 1 for byte in word.encode(self._byte_encoding, errors="replace")]
        else:
            inner = self._numbers.many(word)
        return self._start + inner + self._end

    def __call__(self, words: Sequence[str]) -> numpy.ndarray:
        """See `WordSource`."""
        spelled = [self.numbers_of(word) for word in words]
        long = {row: numbers for row, numbers in enumerate(spelled) if len(numbers) > LONGEST_WORD}
        for row, numbers in long.items():
            spelled[row] = numbers[:LONGEST_WORD]
        result = self._vectors(spelled)
        if self._overlap is not None:
            step = LONGEST_WORD - self._overlap
            for row, numbers in long.items():
                for first in range(0, len(numbers) - self._overlap, step * PARTS_AT_ONCE):
                    parts = [
                        numbers[start : start + LONGEST_WORD]
                        for start in range(first, first + step * PARTS_AT_ONCE, step)
                        if start < len(numbers) - self._overlap
                    ]
                    result[row] = numpy.maximum(result[row], self._vectors(parts).max(axis=0))
        return result

    def _vectors(self, spelled: List[List[int]]) -> numpy.ndarray:
        """Returns the vectors of words with these characters: shape `(words, size)`."""
        result = numpy.zeros((len(spelled), self.size), numpy.float32)
        lengths = numpy.fromiter(map(len, spelled), numpy.int32, len(spelled))
        order = numpy.argsort(-lengths, kind="stable")
        order = order[lengths[order] > 0]  # for an empty word, AllenNLP's network gives zeros
        for rows in _rows_by_cells(order, lengths):
            # Shape: (rows, characters)
            characters = numpy.zeros(
                (len(rows), max(self._min_characters, lengths[rows[0]])), numpy.int64
            )
            for place, row in enumerate(rows):
                characters[place, : lengths[row]] = spelled[row]
            result[rows] = self._network(characters=characters, lengths=lengths[rows])[0]
        return result


def _rows_by_cells(order: numpy.ndarray, lengths: numpy.ndarray, most: int = 16384) -> List:
    """Splits the rows, longest first, into blocks of at most this many cells (or of one row)."""
    blocks, start = [], 0
    while start < len(order):
        count = max(1, most // int(lengths[order[start]]))
        blocks.append(order[start : start + count])
        start += count
    return blocks


class WordTable:
    """The vectors of all sources side by side, computed once per distinct word and cached.

    Several threads may ask at once: one after the other, since each moves the places of the others' words.

    # Parameters

    sources : `Mapping[str, WordSource]`
        They stand side by side in the order of their sorted names, as in AllenNLP's embedder.
    capacity : `int`, optional (default = `20000`)
        When this many words are kept, all are dropped, so that memory has a bound.
    characters : `int`, optional (default = `1000000`)
        The same for the characters of all words that are kept.
    """

    def __init__(
        self,
        sources: Mapping[str, WordSource],
        capacity: int = 20000,
        characters: int = 1000000,
    ) -> None:
        self._sources = [sources[name] for name in sorted(sources)]
        self.size = sum(source.size for source in self._sources)
        self._capacity, self._most_characters = capacity, characters
        self._characters = 0
        self._rows: Dict[str, int] = {}
        self._vectors = numpy.zeros((0, self.size), numpy.float32)
        # One per process: a lock held by another thread at a fork would never be released in the
        # child.
        self._locks: Dict[int, threading.Lock] = {}

    def __getstate__(self) -> Dict[str, object]:
        return {
            **self.__dict__,
            "_rows": {},
            "_characters": 0,
            "_vectors": self._vectors[:0].copy(),
            "_locks": {},
        }

    def __call__(self, words: Sequence[str]) -> numpy.ndarray:
        """Returns the vectors of words, which may repeat: shape `(words, size)`."""
        with self._locks.setdefault(os.getpid(), threading.Lock()):
            return self._look_up(words)

    def _look_up(self, words: Sequence[str]) -> numpy.ndarray:
        rows = self._rows
        found = list(map(rows.get, words))
        if None in found:
            new = [word for word in dict.fromkeys(words) if word not in rows]
            if len(rows) + len(new) > self._capacity:
                self._forget()
                new = list(dict.fromkeys(words))
            self._add(new)
            found = [rows[word] for word in words]
        result = self._vectors[found]
        # A call may have more distinct words, or longer ones, than the cache holds.
        if len(rows) > self._capacity or self._characters > self._most_characters:
            self._forget()
            self._vectors = self._vectors[:0].copy()
        return result

    def _forget(self) -> None:
        self._rows.clear()
        self._characters = 0

    def _add(self, new: List[str]) -> None:
        start = len(self._rows)
        if start + len(new) > len(self._vectors):
            grown = numpy.empty((max(2 * start, start + len(new), 1024), self.size), numpy.float32)
            grown[:start] = self._vectors[:start]
            self._vectors = grown
        column = 0
        for source in self._sources:
            self._vectors[start : start + len(new), column : column + source.size] = source(new)
            column += source.size
        for place, word in enumerate(new, start=start):
            self._rows[word] = place
            self._characters += len(word)
