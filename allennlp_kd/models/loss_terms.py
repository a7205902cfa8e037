"""Loss terms, normalized by the number of words in the batch across all processes."""

from typing import Dict, NamedTuple, Optional, Sequence, Tuple

import torch
import torch.distributed as dist
from allennlp.common.util import is_distributed
from allennlp.nn.util import dist_reduce_sum
from torch import Tensor

from allennlp_kd.metrics.word_average import WordAverage
from allennlp_kd.models.matching import Potentials, score_tensors


class Term(NamedTuple):
    """A loss summed over some of the sentences of a process.

    # Parameters

    total : `Tensor`
        A scalar.
    words : `Tensor`
        The number of words of these sentences, a scalar.
    weight : `float`
        Of this term in the loss; with 0 it is only kept for the metrics.
    """

    total: Tensor
    words: Tensor
    weight: float


class LossTerms:
    """Adds loss terms up, and keeps the mean of each over the words that it was computed on.

    # Parameters

    names : `str`
        Of the terms, those of the metrics.
    """

    def __init__(self, *names: str) -> None:
        self._averages = {name: WordAverage() for name in names}
        self.also: Tuple[Tensor, ...] = ()
        """Learned parameters on which the terms depend besides the student's weights."""

    def __call__(self, potentials: Potentials, **terms: Optional[Term]) -> Tuple[Tensor, float]:
        """Returns the total loss. All processes must call it together.

        # Parameters

        potentials : `ChainPotentials` or `TreePotentials`
            The student's, of all sentences of the batch.
        terms : `Optional[Term]`
            By name; `None` where one was not computed.

        # Returns

        `Tuple[Tensor, float]`
            The weighted sum of the terms, divided by the number of words of the batch across
            processes, and this number.
        """
        words = potentials.lengths.sum()
        parts = [words]
        for name in self._averages:
            term = terms[name]
            parts += [words * 0, words * 0] if term is None else [term.total.detach(), term.words]
        sums = dist_reduce_sum(torch.stack([part.double() for part in parts])).tolist()
        for place, average in enumerate(self._averages.values()):
            average(sums[1 + 2 * place], sums[2 + 2 * place])
        given = [term for term in terms.values() if term is not None and term.weight != 0]
        loss = sum(term.weight * term.total for term in given)
        if is_distributed() or not given:
            loss = loss + zero_of(potentials, self.also)
        # DDP averages the gradients of the processes, but they must be summed.
        processes = dist.get_world_size() if is_distributed() else 1
        return loss * (processes / max(sums[0], 1.0)), sums[0]

    def get_metrics(self, reset: bool = False) -> Dict[str, float]:
        """Returns the means; a term that was not computed since the last reset is absent."""
        means = {name: average.get_metric(reset) for name, average in self._averages.items()}
        return {name: mean for name, mean in means.items() if mean is not None}


def zero_of(potentials: Potentials, also: Sequence[Tensor] = ()) -> Tensor:
    """Returns 0 with a zero gradient for all scores and for any other given tensors.

    So each weight has a gradient also in a process whose sentences have no term that it enters, as
    DDP requires. Nothing is multiplied by 0: a score may be infinite.
    """
    parts = [part[:0].sum() for part in (*score_tensors(potentials), *also)]
    return torch.stack(parts).sum()
