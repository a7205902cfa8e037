"""Scores sentences into a store."""

import logging
from typing import Any, Dict, Iterator, List, Mapping

import numpy
from allennlp.common import Tqdm

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.random_states import preserved_random_states
from allennlp_kd.structs.chain import with_marginals
from allennlp_kd.teachers.scoring_teacher import ScoringTeacher
from allennlp_kd.teachers.store.potential_store import PotentialStore
from allennlp_kd.teachers.store.precision import narrowed
from allennlp_kd.teachers.store.store_error import StoreError

logger = logging.getLogger(__name__)

Scored = Dict[str, Dict[str, numpy.ndarray]]


class StoreScorer:
    """Scores sentences with a teacher, in batches sorted by length, and writes shards.

    Where one length ends and the next one begins, a batch has both. Padding changes no score there,
    because a teacher whose scores depend on padding has batches of one sentence.

    # Parameters

    source : `ScoringTeacher`
    store : `PotentialStore`
        To write to.
    form : `StoredChains` or `StoredTrees`
        How it holds scores.
    batch_size : `int`
        Of the teacher; 1 where its scores depend on padding (`scores_one_by_one`).
    shard_size : `int`
        The sentences of a shard, or more by less than a batch.
    """

    def __init__(
        self,
        source: ScoringTeacher,
        store: PotentialStore,
        form: Any,
        batch_size: int,
        shard_size: int,
    ) -> None:
        self._source = source
        self._store = store
        self._form = form
        self._batch_size = batch_size
        self._shard_size = shard_size

    def fill(self, sentences: Mapping[str, Sentence]) -> None:
        """Scores all given sentences into one or more shards.

        If it is interrupted or fails, it keeps what it has scored: whole batches in a fixed order,
        so that the rest is scored as it would have been.

        # Parameters

        sentences : `Mapping[str, Sentence]`
            By their keys.

        # Raises

        StoreError
            If they cannot be written.
        """
        scored: Scored = {}
        finished = False
        try:
            with Tqdm.tqdm(total=len(sentences), desc="scoring") as progress:
                for batch in self._batches(sentences):
                    scored.update(batch)
                    progress.update(len(batch))
                    if len(scored) >= self._shard_size:
                        self._store.write(scored)
                        scored = {}
            finished = True
        except StoreError:
            scored = {}  # the store does not take them
            raise
        finally:
            if scored:
                self._store.write(scored)
            if not finished:
                logger.warning(
                    "Scoring has stopped. The scores so far are kept in %s; the same command "
                    "continues from there.",
                    self._store.path,
                )

    def write_shard(self, name: str, sentences: Mapping[str, Sentence]) -> None:
        """Scores all given sentences into one shard with the given name.

        # Raises

        StoreError
            If it cannot be written.
        """
        scored: Scored = {}
        for batch in self._batches(sentences):
            scored.update(batch)
        self._store.write(scored, name)

    def _batches(self, sentences: Mapping[str, Sentence]) -> Iterator[Scored]:
        # Sentences of similar length need little padding.
        ordered = sorted(sentences.items(), key=lambda entry: len(entry[1].words))
        size = 1 if ordered and self._source.scores_one_by_one else self._batch_size
        for start in range(0, len(ordered), size):
            keys, batch = zip(*ordered[start : start + size])
            yield dict(zip(keys, self._score(list(batch))))

    def _score(self, sentences: List[Sentence]) -> List[Dict[str, numpy.ndarray]]:
        header = self._store.header
        with preserved_random_states():
            potentials = self._source.score(sentences)
        if header.get("marginals"):
            potentials = with_marginals(potentials)
        for sentence, words in zip(sentences, potentials.lengths.tolist()):
            if words != len(sentence.words):
                raise ValueError(
                    f"the teacher scored {words} of the {len(sentence.words)} words of '{sentence}'"
                )
        return narrowed(potentials, header["dtype"], self._form, sentences)
