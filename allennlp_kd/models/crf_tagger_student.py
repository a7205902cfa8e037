"""The CRF student: AllenNLP's `crf_tagger` with its scores exposed and faster training."""

from typing import Any, Dict, List, Optional

import torch
from allennlp.data import TextFieldTensors
from allennlp.models import Model
from allennlp.modules.conditional_random_field import ConditionalRandomField
from allennlp.nn import util
from allennlp_models.tagging.models.crf_tagger import CrfTagger
from overrides import overrides
from torch import Tensor

from allennlp_kd.models.row_selection import fit_columns
from allennlp_kd.models.tagger_student import TaggerStudent
from allennlp_kd.structs.chain import ChainPotentials, k_best, nll, viterbi
from allennlp_kd.teachers.scorers.crf_tagger_scorer import CrfTaggerScorer
from allennlp_kd.teachers.scorers.registry import scored_by

# The score that AllenNLP's decoder adds to a forbidden transition. It is finite, so a sentence
# whose tag sequences are all forbidden still gets AllenNLP's best one.
FORBIDDEN = -10000.0


@Model.register("crf_tagger_student")
@scored_by(CrfTaggerScorer)
class CrfTaggerStudent(CrfTagger, TaggerStudent):
    """A tagger student with the parameters, weights, loss and outputs of AllenNLP's `crf_tagger`.

    The loss is AllenNLP's: the negative log-likelihood summed over the batch. If `label_weights` or
    `ignore_loss_on_o_tags` weight it, AllenNLP's own CRF computes it. There are these differences:
    a training forward does not decode, so its output has no tags and its epoch no metrics; a metric
    that was not computed is absent instead of 0; and span F1 is summed over processes.

    # Parameters

    kwargs : `Any`
        Those of `CrfTagger`.
    """

    default_predictor = "tagger_student"

    def __init__(self, vocab, **kwargs) -> None:
        self._require_tags(vocab, kwargs)
        super().__init__(vocab, **kwargs)
        self._set_label_encoding(self.label_encoding)

    @overrides(check_signature=False)
    def potentials(self, tokens: TextFieldTensors, **inputs: Any) -> ChainPotentials:
        """See `Student`. `tokens` are those of `forward`."""
        mask = util.get_text_field_mask(tokens)
        # Shape: (batch, length, embedding)
        embedded = self.text_field_embedder(tokens)
        if self.dropout:
            embedded = self.dropout(embedded)
        # Shape: (batch, length, encoding)
        encoded = self.encoder(embedded, mask)
        if self.dropout:
            encoded = self.dropout(encoded)
        if self._feedforward is not None:
            encoded = self._feedforward(encoded)
        # Shape: (batch, length, tags)
        logits = self.tag_projection_layer(encoded)
        return ChainPotentials(
            emissions=logits.to(self.crf.transitions.dtype),  # half precision under autocast
            mask=mask,
            transitions=self.crf.transitions,
            start=self.crf.start_transitions if self.include_start_end_transitions else None,
            end=self.crf.end_transitions if self.include_start_end_transitions else None,
        )

    @overrides(check_signature=False)
    def gold_loss(
        self,
        potentials: ChainPotentials,
        tags: Tensor,
        ignore_loss_on_o_tags: Optional[bool] = None,
    ) -> Tensor:
        """See `Student`. `ignore_loss_on_o_tags` is that of `forward`."""
        tags = fit_columns(tags, potentials.mask.shape[1])
        self._check_gold(tags, potentials.mask)
        if ignore_loss_on_o_tags is None:
            ignore_loss_on_o_tags = self.ignore_loss_on_o_tags
        if type(self.crf) is ConditionalRandomField and not ignore_loss_on_o_tags:
            return nll(potentials, tags).sum()
        mask = potentials.mask
        if ignore_loss_on_o_tags:
            outside = self.vocab.get_token_index("O", namespace=self.label_namespace)
            mask = mask & (tags != outside)
        return -self.crf(potentials.emissions, tags, mask)

    @overrides(check_signature=False)
    def forward(
        self,
        tokens: TextFieldTensors,
        tags: Optional[torch.LongTensor] = None,
        metadata: Optional[List[Dict[str, Any]]] = None,
        ignore_loss_on_o_tags: Optional[bool] = None,
        **kwargs: Any,
    ) -> Dict[str, Any]:
        """
        # Parameters

        tokens, tags, metadata, ignore_loss_on_o_tags : as in `CrfTagger.forward`.

        # Returns

        As `CrfTagger.forward`: `logits`, `mask`, with gold `loss`, with metadata `words`; `tags`
        and `top_k_tags` only where the model is not in training mode.
        """
        potentials = self.potentials(tokens)
        if self.training:
            outputs = self._output(potentials, metadata)
        else:
            outputs = self.decode(potentials, metadata=metadata)
        if tags is not None:
            outputs["loss"] = self.gold_loss(potentials, tags, ignore_loss_on_o_tags)
            if not self.training:
                self.record(outputs, tags=tags)
        return outputs

    def _output(
        self, potentials: ChainPotentials, metadata: Optional[List[Dict[str, Any]]]
    ) -> Dict[str, Any]:
        outputs: Dict[str, Any] = {"logits": potentials.emissions, "mask": potentials.mask}
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
        """See `Student`. Finds the best tag sequences under AllenNLP's constraints.

        `top_k_tags` holds allowed sequences only, fewer than k where a sentence has no more; stock
        then adds forbidden ones. Where all are forbidden, it holds the best of them.
        """
        outputs = self._output(potentials, metadata)
        potentials = potentials.detach()
        lengths = potentials.lengths.tolist()
        best, best_scores = viterbi(self._constrained(potentials, FORBIDDEN))
        outputs["tags"] = [row[:length] for row, length in zip(best.tolist(), lengths)]
        if self.top_k > 1:
            paths, scores = k_best(self._constrained(potentials, float("-inf")), self.top_k)
            fallback = zip(outputs["tags"], best_scores.tolist())
            outputs["top_k_tags"] = [
                [(path[:length], score) for path, score in zip(*row) if score != float("-inf")]
                or [best_path]
                for row, length, best_path in zip(
                    zip(paths.tolist(), scores.tolist()), lengths, fallback
                )
            ]
        return outputs

    def _constrained(self, potentials: ChainPotentials, forbidden: float) -> ChainPotentials:
        """Reads the constraints of AllenNLP's CRF from its weights, as AllenNLP does."""
        allowed = self.crf._constraint_mask.bool()
        tags = self.num_tags
        return ChainPotentials(
            emissions=potentials.emissions,
            mask=potentials.mask,
            transitions=potentials.transitions.masked_fill(~allowed[:tags, :tags], forbidden),
            start=potentials.start.masked_fill(~allowed[tags, :tags], forbidden),
            end=potentials.end.masked_fill(~allowed[:tags, tags + 1], forbidden),
        )

    @overrides
    def decisions(self, outputs: Dict[str, Any]) -> Dict[str, Tensor]:
        mask = outputs["mask"]
        tags = mask.new_full(mask.shape, -1, dtype=torch.long)
        flat = [tag for sentence in outputs["tags"] for tag in sentence]
        tags[mask] = torch.as_tensor(flat, dtype=torch.long, device=mask.device)
        return {"labels": tags}

    @overrides(check_signature=False)
    def record(self, outputs: Dict[str, Any], tags: Tensor, **inputs: Any) -> None:
        """See `Student`. Updates AllenNLP's metrics, which take the tags as "class probabilities"."""
        mask = outputs["mask"]
        tags = fit_columns(tags, mask.shape[1])
        decoded = self.decisions(outputs)["labels"].unsqueeze(-1)
        # AllenNLP's zeros carry the logits' signs, and its padded cells stay zero.
        probabilities = outputs["logits"].detach() * 0.0
        probabilities.scatter_(-1, decoded.clamp(min=0), (decoded >= 0).to(probabilities.dtype))
        self._count_tags(probabilities, tags, mask)
        if self._verbose_metrics and not self.calculate_span_f1:
            self._f_beta_measure(probabilities, tags, mask)

    @overrides
    def make_output_human_readable(
        self, output_dict: Dict[str, torch.Tensor]
    ) -> Dict[str, torch.Tensor]:
        if "tags" not in output_dict:  # during a training forward
            return output_dict
        return super().make_output_human_readable(output_dict)

    @overrides
    def get_metrics(self, reset: bool = False) -> Dict[str, float]:
        return self._counted(super().get_metrics, reset)
