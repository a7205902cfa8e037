"""Word vectors from hashed features."""

from typing import Sequence

import numpy

from spacy_bridge.runtime.networks.session import LazySession
from spacy_bridge.runtime.words.word_features import SEEDS, WordFeatureHashes

WORDS_AT_ONCE = 2048


class HashedWords:
    """The indexer `word_features` with its embedder `hashed_embedding`.

    # Parameters

    features : `Sequence[str]`
        Their names, as `WordFeatureHashes` takes them.
    rows : `Sequence[int]`
        The number of rows of each feature's table.
    network : `LazySession`
        From `rows` (words, 2 * features), int64, counted over all tables one below the other, to vectors
        (words, size).
    size : `int`
    """

    def __init__(
        self, features: Sequence[str], rows: Sequence[int], network: LazySession, size: int
    ) -> None:
        self._hashes = WordFeatureHashes(features)
        counts = numpy.array(rows, numpy.int64)
        self._rows = numpy.repeat(counts, len(SEEDS))
        self._starts = numpy.repeat(numpy.cumsum(counts) - counts, len(SEEDS))
        self._network = network
        self.size = size

    def __call__(self, words: Sequence[str]) -> numpy.ndarray:
        """See `WordSource`."""
        rows = self._hashes.many(words) % self._rows + self._starts
        vectors = numpy.empty((len(words), self.size), numpy.float32)
        for start in range(0, len(words), WORDS_AT_ONCE):
            part = slice(start, start + WORDS_AT_ONCE)
            vectors[part] = self._network(rows=rows[part])[0]
        return vectors
