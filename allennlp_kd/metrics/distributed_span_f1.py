"""AllenNLP's span F1 for any number of processes."""

from collections import Counter
from typing import Dict, List

import torch.distributed as dist
from allennlp.common.util import is_distributed
from allennlp.training.metrics import Metric, SpanBasedF1Measure
from overrides import overrides


@Metric.register("distributed_span_f1")
class DistributedSpanF1(SpanBasedF1Measure):
    """`SpanBasedF1Measure` with counts summed over processes; the original refuses to be
    distributed.

    All processes must call `get_metric` together.

    # Parameters

    tag_namespace : `str`, optional (default = `"tags"`)
        The vocabulary's namespace of the tags.
    ignore_classes : `List[str]`, optional
        Span types to ignore.
    label_encoding : `str`, optional (default = `"BIO"`)
        The span encoding of the tags: `BIO`, `IOB1`, `BIOUL` or `BMES`; `null` with a
        `tags_to_spans_function`.
    tags_to_spans_function : `Callable`, optional
        A function from a sentence's tags to its spans, instead of an encoding; it cannot be set in
        a configuration.
    """

    supports_distributed = True

    @overrides
    def get_metric(self, reset: bool = False) -> Dict[str, float]:
        """
        # Returns

        `Dict[str, float]`
            As stock: `precision-`, `recall-` and `f1-measure-` of each type of span and `overall`,
            from the spans of all processes.
        """
        counts = [
            Counter(self._true_positives),
            Counter(self._false_positives),
            Counter(self._false_negatives),
        ]
        if is_distributed():
            counts = self._summed_over_processes(counts)
        metrics: Dict[str, float] = {}
        types = sorted(set().union(*counts))
        by_name = [(name, [count[name] for count in counts]) for name in types]
        for name, numbers in by_name + [("overall", [sum(count.values()) for count in counts])]:
            precision, recall, f1_measure = self._compute_metrics(*numbers)
            metrics[f"precision-{name}"] = float(precision)
            metrics[f"recall-{name}"] = float(recall)
            metrics[f"f1-measure-{name}"] = float(f1_measure)
        if reset:
            self.reset()
        return metrics

    @staticmethod
    def _summed_over_processes(counts: List[Counter]) -> List[Counter]:
        gathered: List[List[Counter]] = [[] for _ in range(dist.get_world_size())]
        dist.all_gather_object(gathered, counts)
        return [sum(process_counts, Counter()) for process_counts in zip(*gathered)]
