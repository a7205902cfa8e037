"""The scoring of what a store lacks."""

import logging
from typing import Dict, Iterator, List, Tuple

import numpy
from allennlp.common import Tqdm
from allennlp.common.util import SigTermReceived
from torch import Tensor

from allennlp_kd.structs.chain import with_marginals
from allennlp_kd.teachers.narrowing import narrowed
from allennlp_kd.teachers.potential_store import PotentialStore
from allennlp_kd.teachers.scoring_teacher import ScoringTeacher
from allennlp_kd.teachers.sentence import Sentence
from allennlp_kd.teachers.stored_chains import StoredChains
from allennlp_kd.teachers.stored_trees import StoredTrees

logger = logging.getLogger(__name__)

FORMS = {"chain": StoredChains, "tree": StoredTrees}
Entries = List[Tuple[str, Sentence]]
Scored = Dict[str, Dict[str, numpy.ndarray]]


class StoreScorer:
    """Writes a teacher's scores of sentences into a store.

    Sentences of about the same length go through the teacher together, which spares padding; the
    batches, and so the scores' last bits, depend on nothing but the sentences and the batch size.

    # Parameters

    store : `PotentialStore`
    source : `ScoringTeacher`
    shared : `Dict[str, Tensor]`
        What all sentences' scores have in common, on the CPU.
    batch_size : `int`
        In sentences.
    """

    SHARD = 1024  # sentences

    def __init__(
        self,
        store: PotentialStore,
        source: ScoringTeacher,
        shared: Dict[str, Tensor],
        batch_size: int,
    ) -> None:
        self._store = store
        self._source = source
        self._shared = shared
        self._batch_size = batch_size
        self._form = FORMS[store.header["structure"]]

    def fill(self, entries: Entries) -> None:
        """Scores sentences, by their keys, into new shards.

        Interrupted, it keeps what it has scored.

        # Raises

        StoreError
            If there is no room.
        ValueError
            If a score is no number or too large for the store's type, or words are left out.
        """
        scored: Scored = {}
        with Tqdm.tqdm(total=len(entries), desc="scoring") as progress:
            try:
                for batch in self._batches(entries):
                    scored.update(batch)
                    progress.update(len(batch))
                    if len(scored) >= self.SHARD:
                        self._store.write(scored)
                        scored = {}
            except (KeyboardInterrupt, SigTermReceived):
                # Whole batches of a fixed order, so that the rest is scored as it would have been.
                if scored:
                    self._store.write(scored)
                logger.warning(
                    "Interrupted. What was scored is kept in %s; the same command goes on from "
                    "there.",
                    self._store.path,
                )
                raise
        if scored:
            self._store.write(scored)

    def write_shard(self, name: str, entries: Entries) -> None:
        """As `fill`, into one shard of this name, which is whole or is not there."""
        scored: Scored = {}
        for batch in self._batches(entries):
            scored.update(batch)
        self._store.write(scored, name)

    def _batches(self, entries: Entries) -> Iterator[Scored]:
        ordered = sorted(entries, key=lambda entry: len(entry[1].words))
        for start in range(0, len(ordered), self._batch_size):
            batch = ordered[start : start + self._batch_size]
            arrays = self._score([sentence for _, sentence in batch])
            yield dict(zip((key for key, _ in batch), arrays))

    def _score(self, sentences: List[Sentence]) -> List[Dict[str, numpy.ndarray]]:
        header = self._store.header
        potentials = self._source.score(sentences)
        if header.get("marginals"):
            potentials = with_marginals(potentials)
        scored = self._form.arrays(potentials)
        for sentence, words in zip(sentences, potentials.lengths.tolist()):
            if words != len(sentence.words):
                raise ValueError(
                    f"the teacher has scored {words} of the {len(sentence.words)} words of "
                    f"'{sentence}'"
                )
        return [
            narrowed(arrays, header["dtype"], self._form, self._shared, sentence)
            for arrays, sentence in zip(scored, sentences)
        ]
