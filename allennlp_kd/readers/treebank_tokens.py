"""Chooses the tokens that a treebank is read in: its words, its surface tokens, or spaCy's tokens."""

import logging
from os import PathLike
from typing import Any, Iterator, Optional, Union

import spacy
from allennlp.common.checks import ConfigurationError

from allennlp_kd.readers.token_projection import Projection, merge_multiword_tokens, project
from allennlp_kd.readers.treebank_text import TreebankSentence, sentences

logger = logging.getLogger(__name__)

TOKENS = ("words", "spacy")
ONE_TO_ONE = "one_to_one"
"""In an instance's metadata: whether its tokens are the treebank's words, so that a teacher of these can score them."""


class TreebankTokens:
    """Reads a treebank's sentences in the tokens of a choice, with the annotation projected to them.

    # Parameters

    reader : `str`
        The name of the dataset reader, for errors.
    tokens : `str`
        `words` or `spacy`.
    surface_tokens : `bool`
        Whether multi-word tokens are one token each.
    language : `str`
        spaCy's code of the language, for its tokens.
    keeps_split : `bool`
        Whether sentences in which a word is several tokens are kept.

    # Raises

    ConfigurationError
        If `tokens` is neither, or `surface_tokens` is asked for beside spaCy's.
    """

    def __init__(
        self, reader: str, tokens: str, surface_tokens: bool, language: str, keeps_split: bool
    ) -> None:
        if tokens not in TOKENS:
            raise ConfigurationError(
                f"{reader}: tokens must be one of {', '.join(TOKENS)}, found {tokens!r}"
            )
        if surface_tokens and tokens == "spacy":
            raise ConfigurationError(
                f"{reader}: surface_tokens is of no use with tokens 'spacy', which merge what the "
                "tokenizer does not cut"
            )
        self.are_words = tokens == "words" and not surface_tokens
        self._spacy = tokens == "spacy"
        self._language = language
        self._keeps_split = keeps_split
        self._tokenizer: Any = None

    def read(self, path: Union[str, PathLike]) -> Iterator[Projection]:
        """The sentences of a file. Those whose annotation cannot be projected are left out and counted.

        Logs how many tokens are words of the treebank.
        """
        total = one_to_one = merged = split = left_out = 0
        for sentence in sentences(path):
            found = self._project(sentence)
            if found is None or (found.split and not self._keeps_split):
                left_out += 1
                continue
            total += len(found.words)
            one_to_one += found.one_to_one
            merged += found.merged
            split += found.split
            yield found
        logger.info(
            "%s: of %d tokens, %d (%.2f %%) are words of the treebank, %d are several words and %d are parts "
            "of a word; %d sentences whose annotation cannot be projected are left out",
            path, total, one_to_one, 100 * one_to_one / max(total, 1), merged, split, left_out,
        )  # fmt: skip

    def _project(self, sentence: TreebankSentence) -> Optional[Projection]:
        if self.are_words:
            return Projection(sentence.words, len(sentence.words), 0, 0)
        if not self._spacy:
            return merge_multiword_tokens(sentence)
        if self._tokenizer is None:
            try:
                self._tokenizer = spacy.blank(self._language).tokenizer
            except ImportError as error:  # this is how spaCy reports an unknown language
                raise ConfigurationError(
                    f"spaCy cannot tell the words of the language '{self._language}': {error}"
                ) from error
        tokens = [
            (token.text, token.idx, token.idx + len(token))
            for token in self._tokenizer(sentence.text)
            if not token.is_space
        ]
        return project(sentence, tokens)
