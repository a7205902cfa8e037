"""The base class of tagger students."""

from typing import Callable, Dict, Optional

from allennlp.data import Vocabulary
from torch import Tensor

from allennlp_kd.metrics.distributed_span_f1 import DistributedSpanF1
from allennlp_kd.models.gold_encoding import GoldEncoding
from allennlp_kd.models.student import Student, require_tags


class TaggerStudent(Student):
    """Base class of students that replace an AllenNLP tagger; list it after the AllenNLP class.

    (AllenNLP reads a constructor's parameters off the next class in line, so AllenNLP's comes first, and
    what is AllenNLP's method too is called from here by name.)
    """

    structure = "chain"
    gold_fields = ("tags",)

    @staticmethod
    def _require_tags(vocab: Vocabulary, kwargs: Dict) -> None:
        """Refuses a vocabulary without tags, before AllenNLP divides by their number."""
        require_tags(vocab, kwargs.get("label_namespace", "labels"))

    def _set_label_encoding(self, label_encoding: Optional[str]) -> None:
        """Sets up what depends on the encoding: the check of gold tags and, if the tagger computes
        span F1, a metric that sums over all processes.
        """
        self._gold_encoding = GoldEncoding(label_encoding, self.labels) if label_encoding else None
        if self.calculate_span_f1:
            self._f1_metric = DistributedSpanF1(
                self.vocab, tag_namespace=self.label_namespace, label_encoding=label_encoding
            )

    def _check_gold(self, tags: Tensor, mask: Tensor) -> None:
        """Warns if gold tags, shape `(batch, words)`, do not follow the tagger's encoding."""
        if self._gold_encoding is not None:
            self._gold_encoding.check(tags, mask)

    def _count_tags(self, scores: Tensor, tags: Tensor, mask: Tensor) -> None:
        """Updates AllenNLP's metrics with a batch.

        # Parameters

        scores : `Tensor`
            Shape `(batch, words, tags)`; the highest is what was decoded.
        tags, mask : `Tensor`
            Shape `(batch, words)`.
        """
        for metric in self.metrics.values():
            metric(scores, tags, mask)
        if self.calculate_span_f1:
            self._f1_metric(scores, tags, mask)

    def _counted(self, metrics: Callable[[bool], Dict], reset: bool) -> Dict[str, float]:
        """Returns AllenNLP's metrics as plain floats; none if no sentence was counted."""
        # The count covers all processes, so they agree on whether there is anything to reduce.
        if self.metrics["accuracy"].total_count == 0:
            return {}
        return {name: float(value) for name, value in metrics(reset).items()}
