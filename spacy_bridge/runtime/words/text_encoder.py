"""Encodes sentences as one array of vectors."""

from typing import Dict, List, Mapping, Protocol, Sequence

import numpy

from spacy_bridge.runtime.words.sources import WordSource, WordTable


class SentenceSource(Protocol):
    """Computes word vectors that depend on the sentence."""

    size: int

    def __call__(self, sentences: Sequence[Sequence[str]]) -> numpy.ndarray:
        """Returns shape `(words of all sentences, size)`, one sentence after the other."""
        ...


class TextEncoder:
    """The inputs of a student's network, side by side, sorted by name.

    # Parameters

    words : `Mapping[str, WordSource]`
        The inputs that depend only on the word.
    sentences : `Mapping[str, SentenceSource]`
        What depends on the sentence.
    """

    def __init__(
        self, words: Mapping[str, WordSource], sentences: Mapping[str, SentenceSource]
    ) -> None:
        self._table = WordTable(words)
        self._sentences: Dict[str, SentenceSource] = dict(sentences)
        self._order = []
        column = 0
        for name in sorted([*words, *sentences]):
            if name in words:
                self._order.append((name, slice(column, column + words[name].size)))
                column += words[name].size
            else:
                self._order.append((name, None))

    def __call__(self, sentences: Sequence[Sequence[str]]) -> numpy.ndarray:
        """
        # Parameters

        sentences : `Sequence[Sequence[str]]`
            Each with at least one word.

        # Returns

        `numpy.ndarray`
            Shape `(words, size)`, sentence after sentence.
        """
        flat: List[str] = [word for sentence in sentences for word in sentence]
        vectors = self._table(flat)
        if self._sentences:
            parts = [
                vectors[:, columns] if columns is not None else self._sentences[name](sentences)
                for name, columns in self._order
            ]
            vectors = parts[0] if len(parts) == 1 else numpy.concatenate(parts, axis=1)
        return vectors
