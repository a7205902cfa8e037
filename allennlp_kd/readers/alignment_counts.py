"""Counts the tokens for which a teacher with other words provides scores."""

from typing import Optional

from allennlp.data import Instance

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.fields.teacher_words import TeacherWords


class AlignmentCounts:
    """Counts the tokens of a file that get scores from the teacher."""

    def __init__(self) -> None:
        self._tokens = self._aligned = self._sentences = self._whole = self._parts = 0

    def add(self, instance: Instance, words: Optional[TeacherWords], taught: bool) -> None:
        """Counts a sentence; `taught` says whether its aligned tokens get scores from the teacher."""
        tokens = len(Sentence.of(instance).words)
        aligned = tokens if words is None else len(words.aligned) * taught
        self._tokens += tokens
        self._aligned += aligned
        self._sentences += 1
        self._whole += words is None
        self._parts += words is not None and aligned > 0

    def __str__(self) -> str:
        share = 100 * self._aligned / max(self._tokens, 1)
        return (
            f"the teacher teaches {self._aligned} of {self._tokens} tokens ({share:.2f} %), those that are "
            f"one word of the corpus; of {self._sentences} sentences it teaches {self._whole} whole and "
            f"{self._parts} in parts"
        )
