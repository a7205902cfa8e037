"""The mean of a loss term over words."""

from typing import Optional

from allennlp.training.metrics import Metric
from overrides import overrides


@Metric.register("word_average")
class WordAverage(Metric):
    """Averages a loss term over the words that it was computed on, over an epoch."""

    supports_distributed = True

    def __init__(self) -> None:
        self.reset()

    @overrides(check_signature=False)
    def __call__(self, total: float, words: float) -> None:
        """
        # Parameters

        total : `float`
            The term, summed over the words of a batch of all processes.
        words : `float`
            Their number; 0 where the term was not computed.
        """
        if words > 0:
            self._total += float(total)
            self._words += float(words)

    @overrides
    def get_metric(self, reset: bool = False) -> Optional[float]:
        """
        # Returns

        `Optional[float]`
            `None` if the term was not computed since the last reset.
        """
        average = self._total / self._words if self._words > 0 else None
        if reset:
            self.reset()
        return average

    @overrides
    def reset(self) -> None:
        self._total = 0.0
        self._words = 0.0
