"""A teacher that has scored its sentences before, on disk."""

import logging
import shutil
from typing import Any, Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Tuple

import numpy
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.common.util import format_size
from allennlp.data import Instance
from overrides import overrides
from torch import Tensor

from allennlp_kd.data.optional_field import OptionalField
from allennlp_kd.data.stored_potentials_field import StoredPotentialsField
from allennlp_kd.teachers.packed_tensors import unpacked
from allennlp_kd.teachers.potential_store import PotentialStore, StoreError
from allennlp_kd.teachers.scoring_teacher import ScoringTeacher
from allennlp_kd.teachers.sentence import Sentence
from allennlp_kd.teachers.store_scorer import FORMS, StoreScorer
from allennlp_kd.teachers.teacher import Teacher

logger = logging.getLogger(__name__)

DTYPES = ("float32", "float16")
OVERHEAD = 120  # bytes a sentence: its part of an index


class Need(NamedTuple):
    """What is missing in a store, and about what it takes on disk."""

    sentences: int
    words: int
    size: int
    free: int

    def __str__(self) -> str:
        return (
            f"{self.sentences:,} sentences of {self.words:,} words are to be scored; their scores "
            f"take about {format_size(self.size)} on disk, where {format_size(self.free)} are free"
        )


@Teacher.register("store")
class StoreTeacher(Teacher):
    """Reads a teacher's scores from a folder, and fills in what is missing there.

    Where the store is complete, the teacher's network is never built.

    # Parameters

    directory : `str`
        The store's folder; it is made if it is not there.
    teacher : `Teacher`, optional
        An archive or an ensemble of archives, to score what is missing and to check that the store
        is its own.
    dtype : `str`, optional (default = `"float32"`)
        Of the scores on disk; `float16` takes half the space.
    batch_size : `int`, optional (default = `32`)
        Of the teacher, when it scores.
    marginals : `bool`, optional (default = `False`)
        Whether a tagger's store holds the probability of each tag of each word too, for objectives
        that need them; that takes as much again. They are computed once, when it is written.

    # Raises

    ConfigurationError
        If the dtype is unknown; the store is damaged, full or of another teacher; or sentences are
        missing and there is no teacher to score them, or no room for their scores.
    """

    def __init__(
        self,
        directory: str,
        teacher: Optional[Teacher] = None,
        dtype: str = "float32",
        batch_size: int = 32,
        marginals: bool = False,
    ) -> None:
        if dtype not in DTYPES:
            raise ConfigurationError(f"dtype must be one of {', '.join(DTYPES)}, found '{dtype}'")
        if teacher is not None and not isinstance(teacher, ScoringTeacher):
            raise ConfigurationError(
                "a store holds the scores of an archive or an ensemble of archives, found "
                f"{type(teacher).__name__}"
            )
        self.directory = str(directory)
        self._source = teacher
        self._dtype = dtype
        self._batch_size = batch_size
        self._marginals = marginals
        self._store: Optional[PotentialStore] = None
        self._shared: Dict[torch.device, Dict[str, Tensor]] = {}

    @property
    @overrides
    def name(self) -> str:
        return self.directory

    @property
    @overrides
    def structure(self) -> str:
        return self._open().header["structure"]

    @property
    @overrides
    def labels(self) -> List[str]:
        return list(self._open().header["labels"])

    @property
    @overrides
    def provides(self) -> FrozenSet[str]:
        # The probabilities of a tree's heads and labels are local in its scores.
        has = self._open().header.get("marginals", False) or self.structure == "tree"
        return frozenset({"marginals"}) if has else frozenset()

    def open_for_writing(self) -> None:
        """Reads none of the shards that are there: for one who only adds some to a large store."""
        self._open(shards=False)

    def _open(self, shards: bool = True) -> PotentialStore:
        if self._store is not None:
            return self._store
        expected: Optional[Dict[str, Any]] = None
        if self._source is not None:
            expected = {"fingerprint": self._source.fingerprint, "dtype": self._dtype}
            if not PotentialStore.exists(self.directory):
                expected.update(self._source.description())
                if self._marginals and expected["structure"] == "chain":
                    expected["marginals"] = True
        try:
            store = PotentialStore(self.directory, expected, shards)
        except StoreError as error:
            raise ConfigurationError(str(error)) from error
        if self._marginals and not store.header.get("marginals"):
            raise ConfigurationError(
                f"the store {self.directory} holds no marginals (its structure is "
                f"{store.header['structure']}): they are written with each sentence, of chains. "
                "Name another folder, or leave marginals out"
            )
        self._store = store
        return store

    def key(self, sentence: Sentence) -> str:
        """What a sentence is stored under: all that the teacher's scores depend on."""
        header = self._open().header
        if header.get("takes_tags", True):
            if sentence.tags is None and header["structure"] == "tree":
                raise ConfigurationError(
                    f"the teacher of the store {self.directory} needs part-of-speech tags, and the "
                    f"sentence '{sentence}' has none"
                )
            return sentence.key
        return Sentence(sentence.words).key

    @overrides
    def attach(self, instances: List[Instance]) -> None:
        sentences = [Sentence.of(instance) for instance in instances]
        self.fill(sentences)
        store = self._open()
        for instance, sentence in zip(instances, sentences):
            try:
                arrays = store.read(self.key(sentence))
            except StoreError as error:
                raise ConfigurationError(str(error)) from error
            field = StoredPotentialsField(arrays, store.header["fingerprint"])
            instance.add_field(self.FIELD, OptionalField(field))

    def _missing(self, sentences: Iterable[Sentence]) -> List[Tuple[str, Sentence]]:
        store = self._open()
        keyed = {self.key(sentence): sentence for sentence in sentences}
        return [(key, sentence) for key, sentence in keyed.items() if key not in store]

    def need(self, sentences: Iterable[Sentence]) -> Need:
        """What those of the sentences that are not in the store would take there."""
        missing = self._missing(sentences)
        form, width = FORMS[self.structure], numpy.dtype(self._open().header["dtype"]).itemsize
        lengths = [len(sentence.words) for _, sentence in missing]
        shared = self._shared_on(torch.device("cpu"))
        numbers = sum(form.size(words, shared) for words in lengths)
        if self._open().header.get("marginals"):
            numbers *= 2
        size = numbers * width + OVERHEAD * len(missing)
        return Need(len(missing), sum(lengths), size, shutil.disk_usage(self.directory).free)

    def fill(self, sentences: Iterable[Sentence]) -> int:
        """Scores those of the sentences that are not in the store; returns their number.

        Interrupted, it keeps what it has scored.
        """
        sentences = list(sentences)
        missing = self._missing(sentences)
        if not missing:
            return 0
        if self._source is None:
            raise ConfigurationError(
                f"{len(missing)} sentences are not in the store {self.directory}, the first is "
                f"'{missing[0][1]}'. Give the store its teacher, or run `allennlp kd-score`"
            )
        need = self.need(sentences)
        logger.info("%s: %s", self.directory, need)
        if need.size > need.free:
            raise ConfigurationError(
                f"the store {self.directory} has not the room: {need}. Name another folder"
                + (", or take dtype 'float16'" if self._dtype != "float16" else "")
            )
        try:
            self._scorer().fill(missing)
        except StoreError as error:
            raise ConfigurationError(str(error)) from error
        self._source.rest()
        return len(missing)

    def write_shard(self, name: str, sentences: Iterable[Sentence]) -> None:
        """Scores sentences into one shard, whatever the store has of them already.

        Its bytes depend on nothing but these sentences, the teacher and the batches.

        # Parameters

        name : `str`
            Of the shard. A reader of the store takes a sentence that is in several shards from the
            last of them by name.
        sentences : `Iterable[Sentence]`

        # Raises

        ConfigurationError
            If there is no teacher to score them, or no room.
        """
        if self._source is None:
            raise ConfigurationError(f"the store {self.directory} has no teacher to score with")
        keyed = {self.key(sentence): sentence for sentence in sentences}
        try:
            self._scorer().write_shard(name, list(keyed.items()))
        except StoreError as error:
            raise ConfigurationError(str(error)) from error

    def _scorer(self) -> StoreScorer:
        shared = self._shared_on(torch.device("cpu"))
        return StoreScorer(self._open(), self._source, shared, self._batch_size)

    def _shared_on(self, device: torch.device) -> Dict[str, Tensor]:
        """What all sentences' scores have in common."""
        if device not in self._shared:
            shared = self._open().header["shared"]
            self._shared[device] = {
                name: unpacked(value).to(device) for name, value in shared.items()
            }
        return self._shared[device]

    @overrides
    def potentials(self, inputs: Any):
        fingerprint = self._open().header["fingerprint"]
        if "words" not in inputs or inputs["scored_by"] != fingerprint:
            found = (
                f"read from the store of the teacher {inputs['scored_by']}, and this is {fingerprint}'s"
                if "words" in inputs
                else f"read for a teacher of another type (they have {', '.join(inputs)})"
            )
            raise ConfigurationError(
                f"the store {self.directory} is asked for the scores of sentences that were {found}: "
                "dataset_reader.teacher and model.teacher must be the same"
            )
        words = inputs["words"]
        arrays = {name: each for name, each in inputs.items() if name not in ("words", "scored_by")}
        shared = self._shared_on(words.device)
        return FORMS[self.structure].potentials(arrays, words, shared)
