"""How often student and teacher decide alike."""
from typing import Dict, List, Optional

import torch
from allennlp.nn.util import dist_reduce_sum
from allennlp.training.metrics import Metric
from overrides import overrides
from torch import Tensor


@Metric.register("label_agreement")
class LabelAgreement(Metric):
    """The share of words for which student and teacher decode the same, in all and by the teacher's label.

    Reduces across processes at each call, so all of them have to call it equally often.

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
            `"labels"`, shape `(batch, words)`, indices of `labels`, -1 in padded cells; where there is
            more to decide (`"heads"`), the same for it. Words agree if all of it does.
        mask : `Tensor`, optional
            Shape `(batch, words)`, boolean, the words that count; the others are left out.
        """
        words = teacher["labels"] >= 0
        if mask is not None:
            words = words & mask
        same = {kind: student[kind].eq(teacher[kind])[words] for kind in teacher}
        # Shape: (words,), boolean
        agreed = torch.stack(list(same.values())).all(dim=0)
        by_label = teacher["labels"][words]
        size = len(self._labels)
        counts = [
            torch.bincount(by_label, minlength=size),
            torch.bincount(by_label[agreed], minlength=size),
            torch.stack([same[kind].sum() for kind in sorted(same)]),
        ]
        counts = dist_reduce_sum(torch.cat(counts)).cpu()
        self._words += counts[:size]
        self._agreed += counts[size : 2 * size]
        for kind, number in zip(sorted(same), counts[2 * size :].tolist()):
            self._by_kind[kind] = self._by_kind.get(kind, 0) + number

    @overrides
    def get_metric(self, reset: bool = False) -> Dict[str, float]:
        """
        # Returns

        `Dict[str, float]`
            `agreement`; where more than labels is decided, `agreement-heads` and so on for each on its
            own. Empty if no word was counted.
        """
        words = int(self._words.sum())
        metrics: Dict[str, float] = {}
        if words > 0:
            metrics["agreement"] = int(self._agreed.sum()) / words
            if len(self._by_kind) > 1:
                for kind, number in self._by_kind.items():
                    metrics[f"agreement-{kind}"] = number / words
        if reset:
            self.reset()
        return metrics

    def by_label(self) -> Dict[str, float]:
        """The share for each label that the teacher has decoded since the last reset, by its name."""
        counts = zip(self._labels, self._words.tolist(), self._agreed.tolist())
        return {name: agreed / words for name, words, agreed in counts if words > 0}

    @overrides
    def reset(self) -> None:
        self._words = torch.zeros(len(self._labels), dtype=torch.long)
        self._agreed = torch.zeros(len(self._labels), dtype=torch.long)
        self._by_kind: Dict[str, int] = {}
