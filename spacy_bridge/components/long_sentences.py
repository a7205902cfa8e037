"""Warns about sentences that are split because of their length."""

import warnings

from spacy.tokens import Doc

BEGINNING = 40  # characters of the doc in a warning


class LongSentences:
    """Warns once, about the first sentence that is longer than `max_words`.

    # Parameters

    name : `str`
        The component's.
    max_words : `int`
    """

    def __init__(self, name: str, max_words: int) -> None:
        self._name = name
        self._max_words = max_words
        self._warned = False

    def warn(self, doc: Doc, words: int) -> None:
        """Warns about a sentence of `words` words in a doc, once."""
        if self._warned:
            return
        self._warned = True
        warnings.warn(
            f"{self._name}: the doc that begins {doc.text[:BEGINNING]!r} has a sentence of {words} "
            f"words, longer than max_words = {self._max_words}. This and further long sentences "
            "are split at punctuation and annotated in parts. Does the pipeline set sentence "
            "boundaries before this component?",
            stacklevel=2,
        )
