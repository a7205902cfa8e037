"""A compared teacher that is not an archive: it has no reader and no model of AllenNLP."""

import time
from typing import Any, List, Optional, Sequence

import torch

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.report.numbers.clock import Clock
from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence
from allennlp_kd.report.numbers.decoding import confidence, decoded_rows
from allennlp_kd.teachers.scoring_teacher import ScoringTeacher


class ComparedTeacher:
    """A teacher of any type, or the store of one.

    # Parameters

    name : `str`
    teacher : `Teacher`
        One with `score`.
    """

    run = None
    encoding = None  # it was not told one; the student's counts
    reader = None

    def __init__(self, name: str, teacher: Any) -> None:
        self.name = name
        self._teacher = teacher
        self._clock = Clock()

    @property
    def archive(self) -> str:
        """The name of the teacher in the report."""
        return self._teacher.name

    @property
    def structure(self) -> str:
        return self._teacher.structure

    @property
    def labels(self) -> List[str]:
        return self._teacher.labels

    @property
    def parameters(self) -> Optional[int]:
        return self._teacher.parameters

    @property
    def size(self) -> Optional[int]:
        return self._teacher.size

    @property
    def words_per_second(self) -> Optional[float]:
        """The speed of its network, from words to decisions; `None` if it has no network."""
        return None if self.parameters is None else self._clock.words_per_second

    def knows(self, sentence: Sentence) -> bool:
        """Whether it has decided anything about a sentence."""
        return self._teacher.knows(sentence)

    def check(self, sentences: Sequence[Sentence]) -> None:
        """Refuses sentences that lack what its scores depend on."""
        if isinstance(self._teacher, ScoringTeacher):
            self._teacher.check(sentences)

    def decode(self, sentences: Sequence[Sentence]) -> List[DecodedSentence]:
        """One batch."""
        started = time.perf_counter()
        with torch.no_grad():
            potentials = self._teacher.score(list(sentences))
            decided = self._teacher.decisions(potentials)
            rows = {kind: part.tolist() for kind, part in decided.items()}
            self._clock.add(sentences, time.perf_counter() - started)
            sure = confidence(potentials, decided).tolist() if self._teacher.has_scores else None
        return decoded_rows(rows, self.labels, sentences, sure)
