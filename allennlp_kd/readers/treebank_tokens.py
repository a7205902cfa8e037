"""Chooses the tokens of a treebank's sentences: its words, its surface tokens, or spaCy's tokens."""

import logging
from os import PathLike
from typing import Any, Iterator, Optional, Union

import spacy
from allennlp.common.checks import ConfigurationError

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.fields.teacher_words import TeacherWords
from allennlp_kd.readers.token_projection import Projection, merge_multiword_tokens, project
from allennlp_kd.readers.treebank_text import TreebankSentence, sentences

logger = logging.getLogger(__name__)

TOKENS = ("words", "spacy")
WITHOUT_GOLD = "without_gold"
"""In an instance's metadata: whether its annotation could not be projected and is not to be trained on."""


class TreebankTokens:
    """Reads a treebank's sentences in the chosen tokens, with the annotation projected to them.

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
        If `tokens` is neither, or `surface_tokens` is combined with spaCy's tokens.
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
                f"{reader}: surface_tokens has no effect with tokens 'spacy', which merges what "
                "the tokenizer does not split: leave one of them out"
            )
        self.are_words = tokens == "words" and not surface_tokens
        self._spacy = tokens == "spacy"
        self._language = language
        self._keeps_split = keeps_split
        self.keeps_all = False
        """Whether to keep sentences in which a word is several tokens in any case."""
        self._tokenizer: Any = None

    def read(self, path: Union[str, PathLike]) -> Iterator[Projection]:
        """Yields the sentences of a file. Those whose annotation cannot be projected are left out
        and counted.

        With `keeps_all` sentences in which a word is several tokens are kept; see `has_gold`. Logs how
        many tokens are words of the treebank.
        """
        total = one_to_one = merged = split = left_out = without_gold = 0
        for sentence in sentences(path):
            found = self._project(sentence)
            if found is None or not (self.keeps_all or self.has_gold(found)):
                left_out += 1
                continue
            without_gold += not self.has_gold(found)
            total += len(found.words)
            one_to_one += found.one_to_one
            merged += found.merged
            split += found.split
            yield found
        logger.info(
            "%s: of %d tokens, %d (%.2f %%) are words of the treebank, %d are several words and %d are parts "
            "of a word; %d sentences whose annotation cannot be projected are left out, %d have no gold",
            path, total, one_to_one, 100 * one_to_one / max(total, 1), merged, split, left_out, without_gold,
        )  # fmt: skip

    def has_gold(self, projection: Projection) -> bool:
        """Whether the annotation of a sentence's tokens is to be trained on."""
        return self._keeps_split or not projection.split

    def _project(self, sentence: TreebankSentence) -> Optional[Projection]:
        if self.are_words:
            aligned = [(place, place) for place in range(len(sentence.words))]
            return Projection(sentence.words, aligned, 0, 0, sentence.words)
        if not self._spacy:
            return merge_multiword_tokens(sentence)
        if self._tokenizer is None:
            try:
                self._tokenizer = spacy.blank(self._language).tokenizer
            except ImportError as error:  # spaCy raises it for an unknown language
                raise ConfigurationError(
                    f"spaCy has no tokenizer for the language '{self._language}': {error}"
                ) from error
        tokens = [
            (token.text, token.idx, token.idx + len(token))
            for token in self._tokenizer(sentence.text)
            if not token.is_space
        ]
        return project(sentence, tokens)


def words_of_teacher(projection: Projection, pos: Optional[str] = None) -> Optional[TeacherWords]:
    """The words of the treebank, for a teacher; `None` if the tokens are these.

    # Parameters

    projection : `Projection`
    pos : `str`, optional
        The column, `upos` or `xpos`, of the part-of-speech tags that go with them.
    """
    if projection.is_exact:
        return None
    tags = tuple(getattr(word, pos) or "_" for word in projection.source) if pos else None
    words = tuple(word.form for word in projection.source)
    return TeacherWords(Sentence(words, tags), tuple(projection.aligned))
