"""The student without a CRF: AllenNLP's `simple_tagger` with its scores exposed."""

from typing import Any, Dict, List, Optional

import torch
from allennlp.data import TextFieldTensors
from allennlp.models import Model
from allennlp.models.simple_tagger import SimpleTagger
from allennlp.nn import util
from overrides import overrides
from torch import Tensor
from torch.nn.functional import cross_entropy

from allennlp_kd.models.row_selection import fit_columns
from allennlp_kd.models.tagger_student import TaggerStudent
from allennlp_kd.structs.chain import ChainPotentials, log_node_marginals
from allennlp_kd.teachers.scorers.registry import scored_by
from allennlp_kd.teachers.scorers.simple_tagger_scorer import SimpleTaggerScorer


@Model.register("simple_tagger_student")
@scored_by(SimpleTaggerScorer)
class SimpleTaggerStudent(SimpleTagger, TaggerStudent):
    """A tagger student with the parameters, weights, loss and outputs of AllenNLP's
    `simple_tagger`.

    Its potentials are a chain whose transitions are 0. From a teacher with transitions it can learn
    only the tag distribution of each word, which the teacher `converted` with `to: "independent"`
    provides.

    The loss is AllenNLP's: the mean over sentences of the mean over their words. (Inside
    `distillation`, where both terms are per word, it is the mean over all words.) There are these
    differences: there is an output `mask`; there are no training metrics; a metric that was not
    computed is absent instead of 0; and span F1 is summed over processes.

    # Parameters

    kwargs : `Any`
        Those of `SimpleTagger`.
    """

    default_predictor = "tagger_student"

    def __init__(self, vocab, **kwargs) -> None:
        self._require_tags(vocab, kwargs)
        super().__init__(vocab, **kwargs)
        self._set_label_encoding(kwargs.get("label_encoding"))

    @overrides(check_signature=False)
    def potentials(self, tokens: TextFieldTensors, **inputs: Any) -> ChainPotentials:
        """See `Student`. `tokens` are those of `forward`."""
        mask = util.get_text_field_mask(tokens)
        encoded = self.encoder(self.text_field_embedder(tokens), mask)
        # Shape: (batch, length, tags); half precision under autocast.
        weight = self.tag_projection_layer._module.weight
        logits = self.tag_projection_layer(encoded).to(weight.dtype)
        return ChainPotentials(logits, mask, logits.new_zeros(self.num_classes, self.num_classes))

    @overrides(check_signature=False)
    def gold_loss(self, potentials: ChainPotentials, tags: Tensor) -> Tensor:
        """See `Student`. The negative log-likelihood."""
        mask = potentials.mask
        tags = fit_columns(tags, mask.shape[1])
        self._check_gold(tags, mask)
        return cross_entropy(potentials.emissions[mask], tags[mask], reduction="sum")

    @overrides(check_signature=False)
    def forward(
        self,
        tokens: TextFieldTensors,
        tags: Optional[torch.LongTensor] = None,
        metadata: Optional[List[Dict[str, Any]]] = None,
        ignore_loss_on_o_tags: bool = False,
        **kwargs: Any,
    ) -> Dict[str, Any]:
        """
        # Parameters

        tokens, tags, metadata, ignore_loss_on_o_tags : as in `SimpleTagger.forward`.

        # Returns

        As `SimpleTagger.forward`: `logits`, `class_probabilities`, with gold `loss`, with metadata
        `words`; and `mask`.
        """
        potentials = self.potentials(tokens)
        outputs = self._output(potentials.emissions, potentials.mask, metadata)
        if tags is not None:
            mask = potentials.mask
            self._check_gold(tags, mask)
            if ignore_loss_on_o_tags:
                outside = self.vocab.get_token_index("O", namespace=self.label_namespace)
                mask = mask & (tags != outside)
            outputs["loss"] = util.sequence_cross_entropy_with_logits(
                potentials.emissions, tags, mask
            )
            if not self.training:
                self.record(outputs, tags=tags)
        return outputs

    def _output(
        self, logits: Tensor, mask: Tensor, metadata: Optional[List[Dict[str, Any]]]
    ) -> Dict[str, Any]:
        probabilities = torch.softmax(logits, dim=-1)
        outputs: Dict[str, Any] = {"logits": logits, "class_probabilities": probabilities}
        outputs["mask"] = mask
        if metadata is not None:
            outputs["words"] = [sentence["words"] for sentence in metadata]
        return outputs

    @overrides(check_signature=False)
    def decode(
        self,
        potentials: ChainPotentials,
        metadata: Optional[List[Dict[str, Any]]] = None,
        **inputs: Any,
    ) -> Dict[str, Any]:
        """See `Student`. Picks each word's best tag; potentials with transitions are decoded by
        their marginals.
        """
        logits = potentials.emissions
        ends = (potentials.transitions, potentials.start, potentials.end)
        if any(bool(scores.any()) for scores in ends):
            logits = log_node_marginals(potentials.detach())
        return self._output(logits, potentials.mask, metadata)

    @overrides
    def decisions(self, outputs: Dict[str, Any]) -> Dict[str, Tensor]:
        return {"labels": outputs["logits"].argmax(dim=2).masked_fill(~outputs["mask"], -1)}

    @overrides(check_signature=False)
    def record(self, outputs: Dict[str, Any], tags: Tensor, **inputs: Any) -> None:
        """See `Student`. Updates AllenNLP's metrics."""
        mask = outputs["mask"]
        tags = fit_columns(tags, mask.shape[1])
        self._count_tags(outputs["logits"].detach(), tags, mask)

    @overrides
    def get_metrics(self, reset: bool = False) -> Dict[str, float]:
        return self._counted(super().get_metrics, reset)
