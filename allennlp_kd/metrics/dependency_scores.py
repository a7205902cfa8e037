"""UAS and LAS, as AllenNLP defines them and as the CoNLL 2018 shared task does."""

from typing import Dict, List, Optional

import torch
from allennlp.nn.util import dist_reduce_sum
from allennlp.training.metrics import Metric
from overrides import overrides
from torch import Tensor


@Metric.register("dependency_scores")
class DependencyScores(Metric):
    """Computes AllenNLP's `attachment_scores` without punctuation, and scores over all words.

    It sums over processes at each call, so all processes must call it equally often. (AllenNLP's
    metric adds up tensors whose widths differ between processes.)

    # Parameters

    labels : `List[str]`
        The names of the labels, by index.
    """

    supports_distributed = True

    def __init__(self, labels: List[str]) -> None:
        # The part before the colon: `nmod` of `nmod:poss`.
        universal = [label.split(":")[0] for label in labels]
        self._universal = torch.tensor([universal.index(label) for label in universal])
        self.reset()

    @overrides(check_signature=False)
    def __call__(
        self,
        heads: Tensor,
        labels: Tensor,
        gold_heads: Tensor,
        gold_labels: Tensor,
        mask: Tensor,
        scored: Optional[Tensor] = None,
    ) -> None:
        """
        # Parameters

        heads, labels, gold_heads, gold_labels : `Tensor`
            Shape `(batch, words)`, integer; not read in padded cells.
        mask : `Tensor`
            Shape `(batch, words)`, boolean.
        scored : `Tensor`, optional
            Shape `(batch, words)`, boolean: the words that stock counts. Without it the scores of
            stock are not computed.
        """
        universal = self._universal.to(mask.device)
        right = heads == gold_heads
        labelled = right & (labels == gold_labels)
        same_universal = (
            universal[labels.masked_fill(~mask, 0)] == universal[gold_labels.masked_fill(~mask, 0)]
        )
        parts = (mask, right & mask, labelled & mask, right & same_universal & mask)
        counts = [part.sum() for part in parts]
        if scored is not None:
            scored = scored & mask
            exact = (right | ~scored).all(dim=1).sum(), (labelled | ~scored).all(dim=1).sum()
            sentences = mask.new_full((), len(mask), dtype=torch.long)
            counts += [scored.sum(), (right & scored).sum(), (labelled & scored).sum()]
            counts += [sentences, *exact]
        counts += [mask.new_zeros((), dtype=torch.long)] * (len(self._counts) - len(counts))
        self._counts = self._counts + dist_reduce_sum(torch.stack(counts)).cpu()

    @overrides
    def get_metric(self, reset: bool = False) -> Dict[str, float]:
        """
        # Returns

        `Dict[str, float]`
            AllenNLP's, of the words that it counts: `UAS`, `LAS`, and the shares of sentences all
            right, `UEM` and `LEM`. CoNLL-2018's, of all words: `UAS-all-words` and `LAS-all-words`,
            which compares universal labels; `LAS-all-words-subtypes` compares whole labels. What
            nothing was counted for is absent.
        """
        words, right, labelled, universal, *stock = self._counts.tolist()
        metrics: Dict[str, float] = {}
        scored, scored_right, scored_labelled, sentences, exact, exact_labelled = stock
        if scored > 0:
            metrics["UAS"] = scored_right / scored
            metrics["LAS"] = scored_labelled / scored
        if sentences > 0:
            metrics["UEM"] = exact / sentences
            metrics["LEM"] = exact_labelled / sentences
        if words > 0:
            metrics["UAS-all-words"] = right / words
            metrics["LAS-all-words"] = universal / words
            metrics["LAS-all-words-subtypes"] = labelled / words
        if reset:
            self.reset()
        return metrics

    @overrides
    def reset(self) -> None:
        self._counts = torch.zeros(10, dtype=torch.long)
