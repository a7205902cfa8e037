"""The token indexer `word_features`: hashed orthographic features of words."""

from typing import Any, Dict, List, Optional

import numpy
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Token, TokenIndexer, Vocabulary
from allennlp.data.token_indexers.token_indexer import IndexedTokenList
from overrides import overrides

from spacy_bridge.runtime.words.word_features import DEFAULT_FEATURES, WordFeatureHashes

HASHES = "hashes"
_MOST_CACHED = 1_000_000  # words


@TokenIndexer.register("word_features")
class WordFeaturesIndexer(TokenIndexer):
    """Hashes features of a word, such as prefix, suffixes and shape, for the embedder
    `hashed_embedding`.

    It needs no vocabulary: a word that does not occur in the training text is hashed like any
    other. Each feature gets two 32-bit hashes (MurmurHash3 with two seeds), as in spaCy's
    `HashEmbed`. The embedder maps them to rows of its tables. The hashes depend only on the word
    and are the same in every process and on every platform.

    # Parameters

    features : `List[str]`, optional
        Any of `lower`, `form`, `shape` (spaCy's word shape), `prefixN` and `suffixN` (the first or
        last N characters). The default is `lower`, `form`, `prefix1`, `prefix3`, `suffix2`,
        `suffix3`, `suffix4`, `shape`. The embedder must name the same features.
    token_min_padding_length : `int`, optional (default = `0`)
        The minimum length of a sentence in a batch.

    # Raises

    ConfigurationError
        If a feature is unknown or named twice.
    """

    def __init__(
        self, features: Optional[List[str]] = None, token_min_padding_length: int = 0
    ) -> None:
        super().__init__(token_min_padding_length)
        try:
            self._hashes = WordFeatureHashes(DEFAULT_FEATURES if features is None else features)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        # Keyed by word. Equal words share their arrays, which saves memory.
        self._rows: Dict[str, numpy.ndarray] = {}

    @overrides
    def count_vocab_items(self, token: Token, counter: Dict[str, Dict[str, int]]) -> None:
        pass  # no vocabulary is needed

    @overrides
    def tokens_to_indices(self, tokens: List[Token], vocabulary: Vocabulary) -> IndexedTokenList:
        return {HASHES: [self._row(token) for token in tokens]}

    def _row(self, token: Token) -> numpy.ndarray:
        if token.text is None:
            raise ConfigurationError(
                "word_features needs the text of each token, but found a token whose text is None"
            )
        row = self._rows.get(token.text)
        if row is None:
            if len(self._rows) >= _MOST_CACHED:
                self._rows.clear()
            row = numpy.array(self._hashes(token.text), numpy.int64)
            self._rows[token.text] = row
        return row

    @overrides
    def get_empty_token_list(self) -> IndexedTokenList:
        return {HASHES: []}

    @overrides
    def as_padded_tensor_dict(
        self, tokens: IndexedTokenList, padding_lengths: Dict[str, int]
    ) -> Dict[str, torch.Tensor]:
        """
        # Returns

        `Dict[str, torch.Tensor]`
            `hashes` of shape `(padded length, 2 * features)`, int64, zeros in padding.
        """
        rows = tokens[HASHES][: padding_lengths[HASHES]]
        padded = numpy.zeros((padding_lengths[HASHES], self._hashes.size), numpy.int64)
        if rows:
            padded[: len(rows)] = numpy.stack(rows)
        return {HASHES: torch.from_numpy(padded)}

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_rows": {}}
