"""The `distillation` dataset reader: adds a teacher's inputs to the student's instances."""

import logging
import math
from itertools import chain, islice
from typing import Any, Iterable, Iterator, List, Optional, Union

import torch
from allennlp.common import Lazy
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance
from allennlp.data.dataset_readers.dataset_reader import DistributedInfo, WorkerInfo
from allennlp.data.fields import SequenceLabelField, TensorField
from overrides import overrides

from allennlp_kd.fields.gold_label_field import GoldLabelField
from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.fields.reader_inputs import unwrapped
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.fields.teacher_words import ALIGNMENT_FIELD, TeacherWords
from allennlp_kd.random_states import preserved_random_states
from allennlp_kd.readers.alignment_counts import AlignmentCounts
from allennlp_kd.readers.reader_errors import explained, require_sentences, unsharded
from allennlp_kd.readers.sampling import hash_fraction, interleave, sample
from allennlp_kd.readers.transfer_paths import TransferPaths
from allennlp_kd.readers.treebank_tokens import WITHOUT_GOLD
from allennlp_kd.readers.unlabelled_reader import (
    UnlabelledReader,
    check_attributes,
    without_gold,
)
from allennlp_kd.teachers.teacher import Teacher

logger = logging.getLogger(__name__)

GOLD_FIELDS = ("tags", "head_tags", "head_indices")


@DatasetReader.register("distillation")
class DistillationReader(DatasetReader):
    """Wraps any reader and, during training, adds the teacher's inputs to each instance.

    Outside training (`allennlp evaluate`, `allennlp predict`) it behaves like the wrapped reader,
    and the teacher is not opened.

    A data path may name labeled and unlabeled files:

        "train_data_path": {"labelled": "train.txt", "unlabelled": ["news.txt", "forum.txt"]}

    Each is a path or a list of paths; `labelled` may be absent. Unlabeled text affects only the
    data path that names it, so validation data does not change. Unlabeled sentences have only the
    teacher's term, their words count for the vocabulary, and they are spread evenly among the
    others.

    # Parameters

    reader : `DatasetReader`
        The student's reader.
    teacher : `Lazy[Teacher]`, optional
        The teacher, as in the model's configuration. Without it, instances have no teacher inputs.
    labelled_fraction : `float`, optional (default = `1.0`)
        The share of the training sentences that keep their gold. The choice depends only on their
        words (and part-of-speech tags, if the reader provides any). In training, the others are
        unlabeled text. Validation data keeps all of its gold, and the vocabulary contains the
        labels of all sentences.
    unlabelled_reader : `DatasetReader`, optional
        Reads unlabeled text: `plain_text`, `column_text`, or any reader of annotated text, whose
        annotation is ignored. By default the student's reader.
    unlabelled_ratio : `float`, optional
        The number of unlabeled sentences per labeled sentence, the same sentences in each epoch; by
        default all are used. The choice depends only on their words and the seed.
    unlabelled_seed : `int`, optional (default = `13`)
        The seed for this choice.
    gold_fields : `List[str]`, optional
        The fields that are annotation.
    teach_parts : `bool`, optional (default = `True`)
        Whether the teacher scores a sentence in which some tokens are not words of its corpus (if
        the student's reader has `tokens: "spacy"` or `surface_tokens: true`). By default the
        teacher scores the words of the corpus, and the scores of tokens that are single words, and
        of arcs and edges between them, are used; the log reports the counts. With `false`, such a
        sentence has only the gold term, which objectives over whole sentences need (`marginal`,
        `structural`, `top_k`).
    teacher_inputs : `bool`, optional
        Whether to add teacher inputs. By default only if the reader is built by `allennlp train`.
    local_rank : `int`, optional
        Given by `allennlp train`, not by configurations.

    # Raises

    ConfigurationError
        If `labelled_fraction` is not in [0, 1], or `unlabelled_ratio` not greater than 0; while
        reading, if a line has not the columns that its reader takes (with file and line number), a
        file that is trained on has no sentences,
        there are fewer unlabeled sentences than `unlabelled_ratio` asks for, or the student's
        reader makes other fields of text without gold.
    """

    CHUNK = 4096  # sentences looked up in the store, and sorted by length for scoring, at a time

    def __init__(
        self,
        reader: DatasetReader,
        teacher: Optional[Lazy[Teacher]] = None,
        labelled_fraction: float = 1.0,
        unlabelled_reader: Optional[DatasetReader] = None,
        unlabelled_ratio: Optional[float] = None,
        unlabelled_seed: int = 13,
        gold_fields: Optional[List[str]] = None,
        teach_parts: bool = True,
        teacher_inputs: Optional[bool] = None,
        local_rank: Optional[int] = None,
        **kwargs,
    ) -> None:
        # The wrapped reader shards the data, so the teacher scores only this process's part.
        super().__init__(
            manual_distributed_sharding=True, manual_multiprocess_sharding=True, **kwargs
        )
        if not 0 <= labelled_fraction <= 1:
            raise ConfigurationError(
                f"labelled_fraction must lie in [0, 1], found {labelled_fraction}"
            )
        if unlabelled_ratio is not None and not 0 < unlabelled_ratio < math.inf:
            raise ConfigurationError(
                f"unlabelled_ratio must be greater than 0, found {unlabelled_ratio}"
            )
        self._reader = reader
        self._unlabelled_reader = unlabelled_reader or reader
        self._unlabelled_ratio = unlabelled_ratio
        self._unlabelled_seed = unlabelled_seed
        self._lazy_teacher = teacher
        self._teacher: Optional[Teacher] = None
        self._labelled_fraction = labelled_fraction
        self._gold_fields = tuple(gold_fields or GOLD_FIELDS)
        self._training = local_rank is not None if teacher_inputs is None else teacher_inputs
        self._teach_parts = teach_parts
        # What makes tokens that are not the words of the corpus, if anything does.
        self._other_tokens = getattr(unwrapped(reader), "treebank_tokens", None)
        self._counts = AlignmentCounts()
        if self._other_tokens is not None and teacher is not None:
            self._other_tokens.keeps_all = self._training and teach_parts

    @property
    def wrapped(self) -> DatasetReader:
        """The student's reader, which this one wraps."""
        return self._reader

    @property
    def _reads_all(self) -> bool:
        """Whether this process reads the whole file, not a part that may be empty."""
        return self.get_distributed_info() is None and self.get_worker_info() is None

    @overrides
    def _read(self, file_path) -> Iterator[Instance]:
        if TransferPaths.is_one(file_path):
            instances = self._mixed(TransferPaths.of(file_path))
        else:
            instances = self._read_gold(file_path)
            if self._training and self._reads_all:
                instances = require_sentences(instances, file_path)
            instances = self._reader._multi_worker_islice(instances)
            instances = islice(instances, self.max_instances)
        if not self._training:
            yield from instances
            return
        self._counts = AlignmentCounts()
        while chunk := list(islice(instances, self.CHUNK)):
            yield from self._prepared(chunk)
        if self._other_tokens is not None and self._lazy_teacher is not None:
            logger.info("%s: %s", file_path, self._counts)

    def _read_gold(self, file_path: Any) -> Iterator[Instance]:
        """Reads the student's instances of a file; their gold fields know the file's name."""
        for instance in explained(self._reader, file_path):
            for name in self._gold_fields:
                field = instance.fields.get(name)
                if type(field) is SequenceLabelField:
                    instance.fields[name] = GoldLabelField(field, file_path)
            yield instance

    def _mixed(self, paths: TransferPaths) -> Iterator[Instance]:
        """Yields this process's part of the mixed sentences; all processes choose from all
        sentences.
        """
        with unsharded(self._reader):
            labelled = [
                instance
                for path in paths.labelled
                for instance in islice(
                    require_sentences(self._read_gold(path), path),
                    self._reader.max_instances,
                )
            ]
        unlabelled = self._unlabelled(paths, len(labelled))
        if unlabelled:
            check_attributes(unlabelled, self._reader, ", ".join(map(str, paths.unlabelled)))
        fields = set(labelled[0].fields) if labelled else None
        mixed: Iterator[Union[Instance, Sentence]] = interleave(labelled, unlabelled)
        for item in self.shard_iterable(mixed):
            if isinstance(item, Sentence):
                item = without_gold(item, self._reader)
                self._fill_in_gold(item, fields)
            yield item

    def _unlabelled(self, paths: TransferPaths, labelled: int) -> List[Sentence]:
        reader = self._unlabelled_reader
        with unsharded(reader):
            found = chain.from_iterable(
                require_sentences(sentences_of(reader, path), path) for path in paths.unlabelled
            )
            if self._unlabelled_ratio is None:
                return list(found)
            wanted = round(self._unlabelled_ratio * labelled)
            sentences = sample(found, wanted, self._unlabelled_seed)
        if len(sentences) < wanted:
            raise ConfigurationError(
                f"unlabelled_ratio {self._unlabelled_ratio} asks for {wanted} unlabeled sentences "
                f"for {labelled} labeled ones, but {', '.join(map(str, paths.unlabelled))} have "
                f"{len(sentences)}: lower it, or leave it out to use all"
            )
        return sentences

    def _fill_in_gold(self, instance: Instance, labelled: Optional[set]) -> None:
        """Adds empty gold fields to a sentence without gold, so that it can be batched with labeled
        ones.
        """
        made = set(instance.fields)
        absent = set() if labelled is None else labelled - made
        if absent - set(self._gold_fields) or (labelled is not None and made - labelled):
            raise ConfigurationError(
                f"{type(self._reader).__name__} makes the fields {', '.join(sorted(labelled))} for "
                f"labeled text but {', '.join(sorted(made))} for unlabeled text: they must be the "
                f"same except for {', '.join(self._gold_fields)}"
            )
        if self._training:
            for name in absent:
                instance.add_field(name, OptionalField(None))

    @overrides
    def _set_worker_info(self, info: Optional[WorkerInfo]) -> None:
        super()._set_worker_info(info)
        self._reader._set_worker_info(info)

    @overrides
    def _set_distributed_info(self, info: Optional[DistributedInfo]) -> None:
        super()._set_distributed_info(info)
        self._reader._set_distributed_info(info)

    def _prepared(self, instances: List[Instance]) -> Iterable[Instance]:
        if self._lazy_teacher is not None:
            # The random state afterward is the same whether the teacher scores or the store is
            # full.
            with preserved_random_states():
                if self._teacher is None:
                    self._teacher = self._lazy_teacher.construct()
                self._attach(self._teacher, instances)
        for instance in instances:
            keep = self._labelled_fraction == 1 or self._is_labelled(instance)
            absent = _lacks_gold(instance)
            for name in self._gold_fields:
                field = instance.fields.get(name)
                if field is not None and not isinstance(field, OptionalField):
                    instance.fields[name] = OptionalField(
                        None if absent else field, withheld=not keep
                    )
        return instances

    def _attach(self, teacher: Teacher, instances: List[Instance]) -> None:
        """Adds the teacher's inputs to the instances, made from the words that the teacher knows.

        An instance with other tokens also gets the alignment of the two.
        """
        own = [TeacherWords.of(instance) for instance in instances]
        parts = [
            words for words in own if words is not None and words.aligned and self._teach_parts
        ]
        stand_ins = {id(words): words.instance() for words in parts}
        scored = [
            instance if words is None else stand_ins[id(words)]
            for instance, words in zip(instances, own)
            if words is None or id(words) in stand_ins
        ]
        if scored:
            teacher.attach(scored)
        for instance, words in zip(instances, own):
            alignment = None
            if words is not None and id(words) in stand_ins:
                field = stand_ins[id(words)].fields[teacher.FIELD]
                instance.add_field(teacher.FIELD, field)
                if not (isinstance(field, OptionalField) and field.field is None):
                    alignment = TensorField(torch.tensor(words.aligned), padding_value=-1)
            elif words is not None:
                instance.add_field(teacher.FIELD, OptionalField(None))
            if self._other_tokens is not None:
                instance.add_field(ALIGNMENT_FIELD, OptionalField(alignment))
                self._counts.add(instance, words, alignment is not None)

    def _is_labelled(self, instance: Instance) -> bool:
        return hash_fraction(Sentence.of(instance)) < self._labelled_fraction

    @overrides
    def text_to_instance(self, *inputs, **kwargs) -> Instance:
        return self._reader.text_to_instance(*inputs, **kwargs)

    @overrides
    def apply_token_indexers(self, instance: Instance) -> None:
        self._reader.apply_token_indexers(instance)


def _lacks_gold(instance: Instance) -> bool:
    """Whether the annotation of an instance could not be projected to its tokens."""
    metadata = instance.fields.get("metadata")
    return metadata is not None and bool(metadata.metadata.get(WITHOUT_GOLD))


def sentences_of(reader: DatasetReader, file_path: Any) -> Iterator[Sentence]:
    """Yields the sentences of a file: only their words, and tags if the reader gives them.

    No more of them than the reader's `max_instances`.
    """
    if isinstance(reader, UnlabelledReader):
        return islice(reader.sentences(file_path), reader.max_instances)
    instances = islice(explained(reader, file_path), reader.max_instances)
    return (Sentence.of(instance) for instance in instances)
