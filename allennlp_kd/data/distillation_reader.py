"""A dataset reader that puts a teacher's inputs beside the student's."""

import hashlib
from itertools import islice
from typing import Iterable, Iterator, List, Optional

from allennlp.common import Lazy
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance
from allennlp.data.dataset_readers.dataset_reader import DistributedInfo, WorkerInfo
from overrides import overrides

from allennlp_kd.data.columns import columns_of, fault_of
from allennlp_kd.data.optional_field import OptionalField
from allennlp_kd.teachers.sentence import Sentence
from allennlp_kd.teachers.teacher import Teacher

GOLD_FIELDS = ("tags", "head_tags", "head_indices")


@DatasetReader.register("distillation")
class DistillationReader(DatasetReader):
    """Wraps any reader; while training, each instance carries what the teacher needs of it.

    Anywhere else (`allennlp evaluate`, `allennlp predict`) it is the wrapped reader, and the
    teacher is not opened.

    # Parameters

    reader : `DatasetReader`
        The student's.
    teacher : `Lazy[Teacher]`, optional
        As in the model's configuration. Without it, instances carry no teacher inputs.
    labelled_fraction : `float`, optional (default = `1.0`)
        The share of the sentences that are trained on with their gold; which ones depends on their
        words alone. In training the others are unlabelled text. The gold of validation data counts
        in full, and labels come into the vocabulary whether or not they are trained on.
    gold_fields : `List[str]`, optional
        The fields that are annotation.
    teacher_inputs : `bool`, optional
        Whether to give teacher inputs. By default: if the reader is built by `allennlp train`.
    local_rank : `int`, optional
        Given by `allennlp train`, not by configurations.

    # Raises

    ConfigurationError
        If `labelled_fraction` is not in [0, 1]; while reading, if a line has not the columns that
        the wrapped reader takes (with file and line number).
    """

    CHUNK = 4096  # sentences that a store looks up, and scores sorted by length, at once

    def __init__(
        self,
        reader: DatasetReader,
        teacher: Optional[Lazy[Teacher]] = None,
        labelled_fraction: float = 1.0,
        gold_fields: Optional[List[str]] = None,
        teacher_inputs: Optional[bool] = None,
        local_rank: Optional[int] = None,
        **kwargs,
    ) -> None:
        # The wrapped reader's own sharding is asked, so that each process has a teacher score its
        # part alone.
        super().__init__(
            manual_distributed_sharding=True, manual_multiprocess_sharding=True, **kwargs
        )
        if not 0 <= labelled_fraction <= 1:
            raise ConfigurationError(
                f"labelled_fraction must lie in [0, 1], found {labelled_fraction}"
            )
        self._reader = reader
        self._lazy_teacher = teacher
        self._teacher: Optional[Teacher] = None
        self._labelled_fraction = labelled_fraction
        self._gold_fields = tuple(gold_fields or GOLD_FIELDS)
        self._training = local_rank is not None if teacher_inputs is None else teacher_inputs

    @property
    def wrapped(self) -> DatasetReader:
        """The student's reader."""
        return self._reader

    @overrides
    def _read(self, file_path) -> Iterator[Instance]:
        instances = self._reader._multi_worker_islice(self._explained(file_path))
        instances = islice(instances, self.max_instances)
        if not self._training:
            yield from instances
            return
        while chunk := list(islice(instances, self.CHUNK)):
            yield from self._prepared(chunk)

    def _explained(self, file_path) -> Iterator[Instance]:
        """The wrapped reader's instances; where a line of the file is to blame, it is named.

        A stock reader of columns drops what a line has too much, and a whole column where a line
        has too little: such a file is read through beforehand.
        """
        fault = fault_of(self._reader, file_path) if columns_of(self._reader) is not None else None
        if fault is not None:
            raise ConfigurationError(fault)
        try:
            yield from self._reader._read(file_path)
        except ValueError as error:
            fault = fault_of(self._reader, file_path) or f"{file_path} cannot be read: {error}"
            raise ConfigurationError(fault) from error

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
            if self._teacher is None:
                self._teacher = self._lazy_teacher.construct()
            self._teacher.attach(instances)
        for instance in instances:
            keep = self._labelled_fraction == 1 or self._is_labelled(instance)
            for name in self._gold_fields:
                if name in instance.fields:
                    field = instance.fields[name]
                    instance.fields[name] = OptionalField(field, withheld=not keep)
        return instances

    def _is_labelled(self, instance: Instance) -> bool:
        key = Sentence.of(instance).key.encode()
        place = int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") / 2**64
        return place < self._labelled_fraction

    @overrides
    def text_to_instance(self, *inputs, **kwargs) -> Instance:
        return self._reader.text_to_instance(*inputs, **kwargs)

    @overrides
    def apply_token_indexers(self, instance: Instance) -> None:
        self._reader.apply_token_indexers(instance)
