"""Sub-classes of stock's tagger."""

from typing import Any, Dict

import torch
from allennlp.models import Model
from allennlp.training.metrics import Average
from allennlp_models.tagging.models.crf_tagger import CrfTagger


@Model.register("counting_tagger", exist_ok=True)
class CountingTagger(CrfTagger):
    """Another metric, another predictor: no score depends on them."""

    default_predictor = "sentence_tagger"

    def __init__(self, vocab: Any, **kwargs: Any) -> None:
        super().__init__(vocab, **kwargs)
        self.count = Average()

    def count_words(self, mask: torch.Tensor) -> None:
        self.count(int(mask.sum()))

    def get_metrics(self, reset: bool = False) -> Dict[str, float]:
        return {**super().get_metrics(reset), "count": self.count.get_metric(reset)}

    def make_output_human_readable(self, output_dict: Dict[str, Any]) -> Dict[str, Any]:
        return {**super().make_output_human_readable(output_dict), "by": "me"}


@Model.register("louder_tagger", exist_ok=True)
class LouderTagger(CrfTagger):
    """Scores other than stock's."""

    def forward(self, tokens: Any, tags: Any = None, metadata: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        output = super().forward(tokens, tags, metadata, **kwargs)
        return {**output, "logits": 2 * output["logits"]}
