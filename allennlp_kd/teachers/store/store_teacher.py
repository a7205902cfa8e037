"""The `store` teacher: reads a teacher's scores from disk."""

import logging
from typing import Any, Dict, FrozenSet, Iterable, List, Optional

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, Instance
from overrides import overrides
from torch import Tensor

from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.fields.stored_potentials_field import MADE_BY, StoredPotentialsField
from allennlp_kd.teachers.scoring_teacher import ScoringTeacher
from allennlp_kd.teachers.store.potential_store import PotentialStore
from allennlp_kd.teachers.store.scoring_estimate import ScoringEstimate
from allennlp_kd.teachers.store.store_error import StoreError
from allennlp_kd.teachers.store.store_scorer import StoreScorer
from allennlp_kd.teachers.store.stored_forms import FORMS
from allennlp_kd.teachers.teacher import Teacher
from allennlp_kd.teachers.tensor_json import unpacked

logger = logging.getLogger(__name__)

DTYPES = ("float32", "float16")


@Teacher.register("store")
class StoreTeacher(Teacher):
    """Reads a teacher's scores from a folder, and scores missing sentences if it has a teacher.

    If the store is complete, the teacher's network is never built.

    # Parameters

    directory : `str`
        The store's folder, created when the first sentences have been scored. From then on, the
        teacher, `dtype` and `marginals` are fixed.
    teacher : `Teacher`, optional
        An archive or an ensemble of archives, which scores missing sentences and identifies the
        store.
    dtype : `str`, optional (default = `"float32"`)
        The type of the scores on disk; `float16` takes half the space.
    batch_size : `int`, optional (default = `32`)
        The number of sentences that the teacher scores at once.
    marginals : `bool`, optional (default = `False`)
        Whether a tagger's store also contains the probability of each tag of each word, for
        objectives that need them. They double its size, and are computed once, when it is written.

    # Raises

    ConfigurationError
        If the dtype is unknown; the store is damaged, full or of another teacher; or sentences are
        missing and there is no teacher to score them, or no room for their scores.
    """

    SHARD = 1024  # sentences

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
                "a store can hold the scores of an archive or an ensemble of archives, found "
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
    def has_scores(self) -> bool:  # type: ignore[override]
        return self._source is None or self._source.has_scores

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
        # A tree's probabilities of heads and labels are normalized locally.
        has = self._open().header.get("marginals", False) or self.structure == "tree"
        return frozenset({"marginals"}) if has else frozenset()

    def open(self) -> None:
        """Checks that the store is empty or belongs to the teacher, without looking for sentences."""
        self._open()

    def _open(self) -> PotentialStore:
        if self._store is not None:
            return self._store
        expected: Optional[Dict[str, Any]] = None
        if self._source is not None:
            expected = {"fingerprint": self._source.fingerprint, "dtype": self._dtype}
            exists = PotentialStore.exists(self.directory)
            if not exists or PotentialStore.is_empty(self.directory):
                expected.update(self._source.description())
                if self._marginals and expected["structure"] == "chain":
                    expected["marginals"] = True
        store = PotentialStore(self.directory, expected)
        if self._marginals and not store.header.get("marginals"):
            raise StoreError(
                f"the store {self.directory} has no marginals (its structure is "
                f"{store.header['structure']}): they can only be written for chains, together with "
                "the scores. Name another folder, or leave out marginals"
            )
        self._store = store
        return store

    def key(self, sentence: Sentence) -> str:
        """Returns a sentence's key: everything that the teacher's scores depend on."""
        header = self._open().header
        if header.get("takes_tags", True):
            if sentence.tags is None and header["structure"] == "tree":
                raise ConfigurationError(
                    f"the teacher of the store {self.directory} needs part-of-speech tags, but the "
                    f"sentence '{sentence}' has none"
                )
            return sentence.key_with(header.get("features", ()))
        untagged = Sentence(sentence.words, features=sentence.features)
        return untagged.key_with(header.get("features", ()))

    @overrides
    def attach(self, instances: List[Instance]) -> None:
        sentences = [Sentence.of(instance) for instance in instances]
        self.fill(sentences)
        store = self._open()
        made_by = store.header["fingerprint"]
        for instance, sentence in zip(instances, sentences):
            key = self.key(sentence)
            known = key in store or self.knows(sentence)
            field = StoredPotentialsField(store.read(key), made_by) if known else None
            instance.add_field(self.FIELD, OptionalField(field))

    @overrides
    def knows(self, sentence: Sentence) -> bool:
        return self._source is None or self._source.knows(sentence)

    @overrides
    def decisions(self, potentials: Any) -> Dict[str, Tensor]:
        if self._source is None:
            return super().decisions(potentials)
        return self._source.decisions(potentials)

    def _missing(self, sentences: Iterable[Sentence]) -> Dict[str, Sentence]:
        store = self._open()
        keyed = {self.key(sentence): sentence for sentence in sentences}
        return {
            key: sentence
            for key, sentence in keyed.items()
            if key not in store and self.knows(sentence)
        }

    def need(self, sentences: Iterable[Sentence]) -> ScoringEstimate:
        """Estimates the size of those sentences that are not in the store yet."""
        return self._need(self._missing(sentences))

    def _need(self, missing: Dict[str, Sentence]) -> ScoringEstimate:
        shared = self._shared_on(torch.device("cpu"))
        return ScoringEstimate.of(missing.values(), self._open(), FORMS[self.structure], shared)

    def fill(self, sentences: Iterable[Sentence]) -> int:
        """Scores the sentences that are not in the store; returns their number.

        Interrupted, it keeps what it has scored.
        """
        missing = self._missing(sentences)
        if not missing:
            return 0
        if self._source is None:
            raise ConfigurationError(
                f"{len(missing)} sentences are not in the store {self.directory}, the first is "
                f"'{next(iter(missing.values()))}'. Give the store its teacher, or run `allennlp "
                "kd-score`"
            )
        self._check(self._source, missing)
        self._scorer(self._source).fill(missing)
        self._source.rest()
        return len(missing)

    def _check(self, source: ScoringTeacher, missing: Dict[str, Sentence]) -> None:
        """
        # Raises

        ConfigurationError
            If a sentence lacks what the scores depend on, or there is no room for them.
        """
        source.check(list(missing.values()))
        need = self._need(missing)
        logger.info("%s: %s", self.directory, need)
        if need.size > need.free:
            smaller = "" if self._dtype == "float16" else ", or use dtype 'float16'"
            if smaller and not PotentialStore.is_empty(self.directory):
                smaller = " (with dtype 'float16', which an empty store accepts, they need half)"
            raise ConfigurationError(
                f"the disk of the store {self.directory} has too little space: {need}. Name "
                f"another folder{smaller}"
            )

    def score(self, sentences: List[Sentence]) -> Any:
        """The stored scores of sentences; see `ScoringTeacher.score`."""
        self.fill(sentences)
        store = self._open()
        made_by = store.header["fingerprint"]
        found = [
            Instance({self.FIELD: StoredPotentialsField(store.read(self.key(each)), made_by)})
            for each in sentences
        ]
        return self.potentials(Batch(found).as_tensor_dict()[self.FIELD])

    def write_shard(self, name: str, sentences: Iterable[Sentence]) -> None:
        """Scores the sentences that the teacher knows into one shard, even if the store already has
        some of them.

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
        keyed = {self.key(each): each for each in sentences if self.knows(each)}
        self._check(self._source, keyed)
        self._scorer(self._source).write_shard(name, keyed)

    def has_shard(self, name: str) -> bool:
        """Whether the store has a complete shard with this name."""
        return self._open().has_shard(name)

    def _scorer(self, source: ScoringTeacher) -> StoreScorer:
        form = FORMS[self.structure]
        return StoreScorer(source, self._open(), form, self._batch_size, self.SHARD)

    def _shared_on(self, device: torch.device) -> Dict[str, Tensor]:
        """Returns the scores that all sentences share."""
        if device not in self._shared:
            shared = self._open().header["shared"]
            self._shared[device] = {
                name: unpacked(value).to(device) for name, value in shared.items()
            }
        return self._shared[device]

    @overrides
    def potentials(self, inputs: Any):
        arrays = dict(inputs)
        if MADE_BY not in arrays:
            raise ConfigurationError(
                f"the store {self.directory} cannot score sentences that were read for a teacher "
                f"of another type (with {', '.join(inputs)}): dataset_reader.teacher and "
                "model.teacher must be the same"
            )
        # The scores shared by all sentences are in this store and belong to one teacher.
        others = set(arrays.pop(MADE_BY)) - {self._open().header["fingerprint"]}
        if others:
            raise ConfigurationError(
                f"the store {self.directory} belongs to another teacher (fingerprint "
                f"{self._open().header['fingerprint']}) than the store from which the sentences "
                f"were read ({', '.join(sorted(others))}): dataset_reader.teacher and "
                "model.teacher must be the same"
            )
        words = arrays.pop("words")
        return FORMS[self.structure].potentials(arrays, words, self._shared_on(words.device))
