"""Words per second over batches."""

from typing import List, Sequence, Tuple

from allennlp_kd.fields.sentence import Sentence

WARM_UP = 1  # batches that are decoded before the clock counts


class Clock:
    """The time that batches took."""

    def __init__(self) -> None:
        self._batches: List[Tuple[int, float]] = []

    def add(self, sentences: Sequence[Sentence], seconds: float) -> None:
        """Counts one batch."""
        self._batches.append((sum(len(sentence.words) for sentence in sentences), seconds))

    @property
    def words_per_second(self) -> float:
        """The speed over all batches; the first does not count if there are more."""
        counted = self._batches[WARM_UP:] or self._batches
        return sum(words for words, _ in counted) / sum(seconds for _, seconds in counted)
