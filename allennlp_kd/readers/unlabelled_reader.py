"""Base class for readers of unlabeled text."""

import logging
from os import PathLike
from typing import Any, Iterable, Iterator, Optional, Union

from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance
from overrides import overrides

from allennlp_kd.fields.reader_inputs import FEATURE_LABELS, ReaderInputs
from allennlp_kd.fields.sentence import Sentence

logger = logging.getLogger(__name__)


class UnlabelledReader(DatasetReader):
    """Reads sentences as words. Another reader, which this one wraps, makes instances of them.

    # Parameters

    reader : `DatasetReader`, optional
        Makes the instances, by its `text_to_instance`, without gold. Inside a `distillation` reader
        that is the student's, and is not given here.
    max_words : `int`, optional
        Longer sentences are left out. Raw text has lines that no transformer takes.

    # Raises

    ConfigurationError
        If `max_words` is less than 1; while reading, if there is no `reader`.
    """

    def __init__(
        self, reader: Optional[DatasetReader] = None, max_words: Optional[int] = None, **kwargs
    ) -> None:
        super().__init__(
            manual_distributed_sharding=True, manual_multiprocess_sharding=True, **kwargs
        )
        if max_words is not None and max_words < 1:
            raise ConfigurationError(f"max_words must be at least 1, found {max_words}")
        self._reader = reader
        self._max_words = max_words

    @property
    def wrapped(self) -> Optional[DatasetReader]:
        """The reader that makes the instances."""
        return self._reader

    def sentences(self, file_path: Union[str, PathLike]) -> Iterator[Sentence]:
        """Yields the sentences of a file that have at least one and at most `max_words` words."""
        left_out = 0
        for sentence in self._sentences(file_path):
            if self._max_words is not None and len(sentence.words) > self._max_words:
                left_out += 1
            elif sentence.words:
                yield sentence
        if left_out:
            logger.info(
                "%s: %d sentences with more than %d words are left out",
                file_path,
                left_out,
                self._max_words,
            )

    def _sentences(self, file_path: Union[str, PathLike]) -> Iterator[Sentence]:
        raise NotImplementedError

    @overrides
    def _read(self, file_path) -> Iterator[Instance]:
        reader = self._making()
        check_attributes((), reader, file_path)
        for sentence in self.shard_iterable(self.sentences(file_path)):
            yield without_gold(sentence, reader)

    @overrides
    def text_to_instance(self, *inputs, **kwargs) -> Instance:
        return self._making().text_to_instance(*inputs, **kwargs)

    @overrides
    def apply_token_indexers(self, instance: Instance) -> None:
        self._making().apply_token_indexers(instance)

    def _making(self) -> DatasetReader:
        if self._reader is None:
            raise ConfigurationError(
                f"{type(self).__name__} reads only words: it must wrap a reader that makes "
                "instances of them, or be the unlabelled_reader of a distillation reader"
            )
        return self._reader


def check_attributes(sentences: Iterable[Sentence], reader: DatasetReader, source: Any) -> None:
    """Refuses unlabeled text whose tokens lack attributes that the student's indexers read.

    # Parameters

    sentences : `Iterable[Sentence]`
    reader : `DatasetReader`
    source : `Any`
        Where the text is from, for errors.

    # Raises

    ConfigurationError
        If no sentence has such an attribute.
    """
    inputs = ReaderInputs(reader)
    for name in inputs.token_attributes()[0]:
        if not any(sentence.has(name) for sentence in sentences):
            raise ConfigurationError(
                f"{inputs.name} indexes {name} of each token (feature_name), which the unlabeled "
                f"text of {source} lacks: read it with an unlabelled_reader whose tokens have it"
            )


def without_gold(sentence: Sentence, reader: DatasetReader) -> Instance:
    """Returns the instance that a (student's) reader makes of a sentence without annotation.

    A reader that requires part-of-speech tags where its model may ignore them, as AllenNLP's of a
    treebank does, gets `_` for those that are missing.

    # Raises

    ConfigurationError
        If the reader gives tags as features and the sentence has none, or the reader cannot make an
        instance of words.
    """
    inputs = ReaderInputs(reader)
    for label in getattr(inputs.reader, "feature_labels", ()):
        name = FEATURE_LABELS.get(label, label)
        if sentence.annotation(name) is None:
            raise ConfigurationError(
                f"{inputs.name} needs {name} as features, which the unlabeled sentence "
                f"'{sentence}' lacks"
            )
    return inputs.instance_of(sentence)
