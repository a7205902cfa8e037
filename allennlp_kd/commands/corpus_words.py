"""Tokenizes a corpus's sentences as the training readers do."""

import sys
from typing import Iterable, List, Optional

import spacy
from allennlp.common.checks import ConfigurationError

from allennlp_kd.fields.sentence import Sentence
from spacy_bridge.corpus.row import Row

TAGS = ("upos", "xpos", "none")


class CorpusWords:
    """Makes sentences of the rows of a corpus.

    # Parameters

    language : `str`, optional
        Text is tokenized by spaCy's rules for it, as the reader `plain_text` does;
        by default at white space.
    tags : `str`, optional (default = `"upos"`)
        Which of a treebank's part-of-speech tags a sentence takes: `upos`, `xpos` or `none`.

    # Raises

    ConfigurationError
        If the tags are none of these, or spaCy does not know the language.
    """

    def __init__(self, language: Optional[str] = None, tags: str = "upos") -> None:
        if tags not in TAGS:
            raise ConfigurationError(f"tags must be one of {', '.join(TAGS)}, found '{tags}'")
        self._tags = tags
        self._rules = None
        if language is not None:
            try:
                self._rules = spacy.blank(language)
            except ImportError as error:  # spaCy raises it for an unknown language
                raise ConfigurationError(
                    f"spaCy has no tokenizer for the language '{language}': {error}"
                ) from error
            self._rules.max_length = sys.maxsize

    def __call__(self, rows: Iterable[Row]) -> List[Sentence]:
        """Yields one sentence for each row that contains a word."""
        found = (self._sentence(row) for row in rows)
        return [sentence for sentence in found if sentence.words]

    def _sentence(self, row: Row) -> Sentence:
        if row.words is not None:
            tags = None if self._tags == "none" else getattr(row, self._tags)
            return Sentence(tuple(row.words), tags)
        if self._rules is None:
            return Sentence(tuple(row.text.split()))
        doc = self._rules.make_doc(row.text)
        return Sentence(tuple(token.text for token in doc if not token.is_space))
