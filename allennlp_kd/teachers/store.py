"""A teacher that has scored its sentences before, on disk."""
from typing import Any, Dict, Iterable, List, Optional

import numpy
import torch
from allennlp.common import Tqdm
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, Instance
from overrides import overrides

from allennlp_kd.data.optional_field import OptionalField
from allennlp_kd.data.stored_potentials_field import StoredPotentialsField
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.teachers.archive import ArchiveTeacher
from allennlp_kd.teachers.potential_store import PotentialStore, StoreError
from allennlp_kd.teachers.sentence import Sentence
from allennlp_kd.teachers.teacher import Teacher

DTYPES = ("float32", "float16")
SHARED = ("transitions", "start", "end")


@Teacher.register("store")
class StoreTeacher(Teacher):
    """Reads a teacher's scores from a folder, and fills in what is missing there.

    Where the store is complete, the teacher's network is never built.

    # Parameters

    directory : `str`
        The store's folder; it is made if it is not there.
    teacher : `Teacher`, optional
        An archive, to score what is missing and to check that the store is its own.
    dtype : `str`, optional (default = `"float32"`)
        Of the scores on disk; `float16` takes half the space.
    batch_size : `int`, optional (default = `32`)
        Of the teacher, when it scores.

    # Raises

    ConfigurationError
        If the dtype is unknown; the store is damaged or of another teacher; or sentences are missing and
        there is no teacher to score them.
    """

    SHARD = 1024  # sentences

    def __init__(
        self,
        directory: str,
        teacher: Optional[Teacher] = None,
        dtype: str = "float32",
        batch_size: int = 32,
    ) -> None:
        if dtype not in DTYPES:
            raise ConfigurationError(f"dtype must be one of {', '.join(DTYPES)}, found '{dtype}'")
        if teacher is not None and not isinstance(teacher, ArchiveTeacher):
            raise ConfigurationError(f"a store holds an archive's scores, found {type(teacher).__name__}")
        self.directory = str(directory)
        self._source = teacher
        self._dtype = dtype
        self._batch_size = batch_size
        self._store: Optional[PotentialStore] = None

    @property
    @overrides
    def structure(self) -> str:
        return self._open().header["structure"]

    @property
    @overrides
    def labels(self) -> List[str]:
        return list(self._open().header["labels"])

    def _open(self) -> PotentialStore:
        if self._store is not None:
            return self._store
        expected: Optional[Dict[str, Any]] = None
        if self._source is not None:
            expected = {"fingerprint": self._source.fingerprint, "dtype": self._dtype}
            if not PotentialStore.exists(self.directory):
                expected.update(self._source.description())
        try:
            self._store = PotentialStore(self.directory, expected)
        except StoreError as error:
            raise ConfigurationError(str(error)) from error
        return self._store

    @overrides
    def attach(self, instances: List[Instance]) -> None:
        sentences = [Sentence.of(instance) for instance in instances]
        self.fill(sentences)
        store = self._open()
        for instance, sentence in zip(instances, sentences):
            try:
                arrays = store.read(sentence.key)
            except StoreError as error:
                raise ConfigurationError(str(error)) from error
            instance.add_field(self.FIELD, OptionalField(StoredPotentialsField(arrays)))

    def fill(self, sentences: Iterable[Sentence]) -> int:
        """Scores those of the sentences that are not in the store; returns their number."""
        store = self._open()
        missing = {each.key: each for each in sentences if each.key not in store}
        if not missing:
            return 0
        if self._source is None:
            first = next(iter(missing.values()))
            raise ConfigurationError(
                f"{len(missing)} sentences are not in the store {self.directory}, the first is "
                f"'{' '.join(first.words)}'. Give the store its teacher, or run `allennlp kd-score`"
            )
        waiting = sorted(missing.values(), key=lambda sentence: len(sentence.words))
        scored: Dict[str, Dict[str, numpy.ndarray]] = {}
        progress = Tqdm.tqdm(total=len(waiting), desc="scoring")
        for start in range(0, len(waiting), self._batch_size):
            batch = waiting[start : start + self._batch_size]
            scored.update(self._score(batch))
            progress.update(len(batch))
            if len(scored) >= self.SHARD:
                store.write(scored)
                scored = {}
        if scored:
            store.write(scored)
        progress.close()
        return len(waiting)

    def _score(self, sentences: List[Sentence]) -> Dict[str, Dict[str, numpy.ndarray]]:
        batch = Batch([self._source.read(sentence) for sentence in sentences])
        potentials = self._source.potentials(batch.as_tensor_dict())
        emissions = potentials.emissions.cpu().numpy()
        scored = {}
        for row, (sentence, words) in enumerate(zip(sentences, potentials.lengths.tolist())):
            if words != len(sentence.words):
                raise ValueError(
                    f"the teacher has scored {words} of the {len(sentence.words)} words of "
                    f"'{' '.join(sentence.words)}'"
                )
            scores = emissions[row, :words].astype(self._dtype)
            if not numpy.isfinite(scores).all():
                raise ValueError(
                    f"the teacher's scores of '{' '.join(sentence.words)}' hold NaN, or are too large for "
                    f"{self._dtype}"
                )
            scored[sentence.key] = {"emissions": scores}
        return scored

    @overrides
    def potentials(self, inputs: Any) -> ChainPotentials:
        emissions = inputs["emissions"]
        header = self._open().header
        steps = torch.arange(emissions.shape[1], device=emissions.device)
        shared = {name: emissions.new_tensor(header["shared"][name]) for name in SHARED}
        return ChainPotentials(emissions, steps < inputs["words"].unsqueeze(1), **shared)
