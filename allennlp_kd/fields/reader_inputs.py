"""Calls a dataset reader's `text_to_instance` with the words and annotation of a sentence."""

import inspect
from typing import Any, Collection, Dict, Iterable, List, Optional, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance
from allennlp.data.dataset_readers import ShardedDatasetReader
from allennlp.data.fields import TextField

from allennlp_kd.fields.sentence import TOKEN_ATTRIBUTES, Sentence

NO_TAG = "_"
PLACEHOLDERS = {"pos_tags": NO_TAG, "upos_tags": NO_TAG, "chunk_tags": "O", "ner_tags": "O"}
"""Annotation that a reader may require of a sentence without gold, and placeholders for it."""
FEATURE_LABELS = {"pos": "pos_tags", "chunk": "chunk_tags", "ner": "ner_tags"}
"""The parameters that AllenNLP's column readers require for their `feature_labels`."""
_REFUSALS = (
    ConfigurationError, TypeError, ValueError, KeyError, IndexError, AttributeError,
    NotImplementedError, AssertionError,
)  # fmt: skip
"""The exceptions of a reader that cannot make an instance of its input."""
_WORDS = ("a", "b")
_MARK = "?"


class ReaderInputs:
    """The parameters of a reader's `text_to_instance`, and the values passed to them.

    # Parameters

    reader : `DatasetReader`
        One that wraps another stands for that one.
    """

    def __init__(self, reader: DatasetReader) -> None:
        self.reader = unwrapped(reader)
        self.name = type(self.reader).__name__
        found = inspect.signature(self.reader.text_to_instance).parameters.values()
        named = [each for each in found if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
        self._first = named[0] if named else None
        features = getattr(self.reader, "feature_labels", None) or ()
        wanted = {FEATURE_LABELS.get(label) for label in features}
        self.annotations: List[str] = [
            each.name
            for each in named[1:]
            if each.default is inspect.Parameter.empty or each.name in wanted
        ]
        """The parameters that the reader requires besides the words."""

    @property
    def takes_tokens(self) -> bool:
        """Whether the reader takes tokens; otherwise it takes strings."""
        assert self._first is not None
        if self._first.annotation is inspect.Parameter.empty:
            return self._first.name == "tokens"
        return "Token" in str(self._first.annotation)

    def instance_of(self, sentence: Sentence, needed: Optional[Collection[str]] = None) -> Instance:
        """
        # Parameters

        sentence : `Sentence`
        needed : `Collection[str]`, optional
            Of `annotations`, those that the model looks at, which the sentence must have; the reader
            gets placeholders for all others. By default it gets what the sentence has, and
            placeholders for what it has not.

        # Raises

        ConfigurationError
            If the reader takes something else than words and annotation, or cannot make an instance
            of these words, or if the sentence lacks annotation that is needed.
        """
        self._check()
        assert self._first is not None
        words: List[Any] = sentence.tokens() if self.takes_tokens else list(sentence.words)
        arguments: Dict[str, Any] = {self._first.name: words}
        for name in self.annotations:
            found = sentence.annotation(name) if needed is None or name in needed else None
            if found is None and needed is not None and name in needed:
                raise ConfigurationError(
                    f"the reader {self.name} needs {name}, but the sentence '{sentence}' has "
                    + ("no part-of-speech tags" if PLACEHOLDERS[name] == NO_TAG else "none")
                )
            arguments[name] = list(found or [PLACEHOLDERS[name]] * len(sentence.words))
        try:
            return self.reader.text_to_instance(**arguments)
        except _REFUSALS as error:
            raise ConfigurationError(
                f"the reader {self.name} cannot make an instance of the sentence '{sentence}': "
                f"{type(error).__name__}: {error}"
            ) from error

    def token_attributes(
        self, fields: Optional[Iterable[str]] = None
    ) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
        """Returns the token attributes that the reader's indexers read besides the text
        (`feature_name`).

        The reader is tried with made-up words. What its tokens have by its own doing is left out.

        # Parameters

        fields : `Iterable[str]`, optional
            The text fields whose indexers count; by default all.

        # Returns

        `Tuple[Tuple[str, ...], Tuple[str, ...]]`
            Those that tokens which it is given must have; and those that its tokens never have,
            because it does not pass them on, or they are none that a sentence carries.
        """
        marks = (_MARK,) * len(_WORDS)
        marked = Sentence(_WORDS, marks, tuple((name, marks) for name in TOKEN_ATTRIBUTES))
        try:
            made = self.instance_of(marked)
        except ConfigurationError:
            return (), ()  # the first real sentence raises a proper error
        self.reader.apply_token_indexers(made)
        given, absent = set(), set()
        for name in made.fields if fields is None else fields:
            field = made.fields.get(name)
            indexers = field._token_indexers if isinstance(field, TextField) else None
            for indexer in (indexers or {}).values():
                attribute = getattr(indexer, "_feature_name", None)
                if attribute in (None, "text", "text_id"):
                    continue
                values = [getattr(token, attribute, None) for token in field.tokens]
                if any(value == _MARK for value in values):
                    given.add(attribute)
                elif all(value is None for value in values):
                    absent.add(attribute)
        return tuple(sorted(given)), tuple(sorted(absent))

    def _check(self) -> None:
        if self._first is None or self._first.annotation in (str, "str"):
            name = self._first.name if self._first is not None else "any arguments"
            what = "text that it splits itself" if self._first is not None else "no named words"
            raise ConfigurationError(
                f"the text_to_instance of the reader {self.name} takes {what} ({name}), but must "
                "take the words of a sentence as a list of tokens or strings"
            )
        unknown = [name for name in self.annotations if name not in PLACEHOLDERS]
        if unknown:
            raise ConfigurationError(
                f"the text_to_instance of the reader {self.name} needs {', '.join(unknown)}, but a "
                f"sentence has only words and, if its reader gives them, {', '.join(PLACEHOLDERS)}"
            )


def unwrapped(reader: DatasetReader) -> DatasetReader:
    """Returns the reader inside a `distillation` or `sharded` reader; any other reader is returned
    as is.
    """
    while True:
        inner = getattr(reader, "wrapped", None)
        if isinstance(reader, ShardedDatasetReader):
            inner = reader.reader
        if not isinstance(inner, DatasetReader):
            return reader
        reader = inner
