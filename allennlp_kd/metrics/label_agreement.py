"""The agreement between student and teacher."""

from typing import Dict, List, Optional

import torch
from allennlp.nn.util import dist_reduce_sum
from allennlp.training.metrics import Metric
from overrides import overrides
from torch import Tensor


@Metric.register("label_agreement")
class LabelAgreement(Metric):
    """The share of words on which student and teacher agree, overall and for each teacher label.

    It sums over processes at each call, so all processes must call it equally often.

    # Parameters

    labels : `List[str]`
        The names of the labels, by index.
    """

    supports_distributed = True

    def __init__(self, labels: List[str]) -> None:
        self._labels = labels
        self.reset()

    @overrides(check_signature=False)
    def __call__(
        self, student: Dict[str, Tensor], teacher: Dict[str, Tensor], mask: Optional[Tensor] = None
    ) -> None:
        """
        # Parameters

        student, teacher : `Dict[str, Tensor]`
            `"labels"`, shape `(batch, words)`, indices of `labels`, -1 in padded cells; where there
            is more to decide (`"heads"`), the same for it. Words agree if all does that the teacher
            has decided; one that scores no labels is compared in the rest.
        mask : `Tensor`, optional
            Shape `(batch, words)`, boolean, the words that count; the others are left out.
        """
        words = next(iter(teacher.values())) >= 0
        if mask is not None:
            words = words & mask
        same = {kind: student[kind].eq(teacher[kind])[words] for kind in teacher}
        # Shape: (words,), boolean
        agreed = torch.stack(list(same.values())).all(dim=0)
        size = len(self._labels)
        by_label = teacher["labels"][words] if "labels" in teacher else words.new_zeros(0).long()
        agreed_by_label = by_label[agreed] if "labels" in teacher else by_label
        totals = [words.sum(), agreed.sum(), *(same[kind].sum() for kind in sorted(same))]
        counts = [
            torch.bincount(by_label, minlength=size),
            torch.bincount(agreed_by_label, minlength=size),
            torch.stack(totals),
        ]
        counts = dist_reduce_sum(torch.cat(counts)).cpu()
        self._words_by_label += counts[:size]
        self._agreed_by_label += counts[size : 2 * size]
        words_of_all, agreed_of_all, *by_kind = counts[2 * size :].tolist()
        self._words += words_of_all
        self._agreed += agreed_of_all
        for kind, number in zip(sorted(same), by_kind):
            self._by_kind[kind] = self._by_kind.get(kind, 0) + number

    @overrides
    def get_metric(self, reset: bool = False) -> Dict[str, float]:
        """
        # Returns

        `Dict[str, float]`
            `agreement`; where more than labels is decided, `agreement-heads` and so on for each on
            its own. Empty if no word was counted.
        """
        metrics: Dict[str, float] = {}
        if self._words > 0:
            metrics["agreement"] = self._agreed / self._words
            if len(self._by_kind) > 1:
                for kind, number in self._by_kind.items():
                    metrics[f"agreement-{kind}"] = number / self._words
        if reset:
            self.reset()
        return metrics

    def by_label(self) -> Dict[str, float]:
        """Returns the share for each label that the teacher has predicted since the last reset."""
        counts = zip(self._labels, self._words_by_label.tolist(), self._agreed_by_label.tolist())
        return {name: agreed / words for name, words, agreed in counts if words > 0}

    @overrides
    def reset(self) -> None:
        self._words, self._agreed = 0, 0
        self._words_by_label = torch.zeros(len(self._labels), dtype=torch.long)
        self._agreed_by_label = torch.zeros(len(self._labels), dtype=torch.long)
        self._by_kind: Dict[str, int] = {}
