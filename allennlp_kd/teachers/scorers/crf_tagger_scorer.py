"""Computes the potentials of AllenNLP's `crf_tagger` without decoding."""

from typing import Any, Dict, List

import torch
from allennlp.nn import util
from overrides import overrides

from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.teachers.scorers.registry import ArchiveScorer


class CrfTaggerScorer(ArchiveScorer):
    """Runs a CRF tagger up to its scores.

    # Parameters

    model : `Model`
        A stock `CrfTagger`, or of a class with the same parts.
    """

    structure = "chain"
    fields = ("tokens",)  # type: ignore[assignment]

    @property
    @overrides
    def labels(self) -> List[str]:
        names = self._model.vocab.get_index_to_token_vocabulary(self._model.label_namespace)
        return [names[index] for index in range(len(names))]

    @overrides
    def shared(self) -> Dict[str, torch.Tensor]:
        """The scores that all sentences share: `transitions`, `start` and `end`."""
        crf = self._model.crf
        zeros = torch.zeros(self._model.num_tags)
        ends = self._model.include_start_end_transitions
        return {
            "transitions": crf.transitions.detach(),
            "start": crf.start_transitions.detach() if ends else zeros,
            "end": crf.end_transitions.detach() if ends else zeros,
        }

    @torch.no_grad()
    @overrides
    def __call__(self, inputs: Dict[str, Any]) -> ChainPotentials:
        """
        # Parameters

        inputs : `Dict[str, Any]`
            The collated fields of the model's own reader; `tokens` is read.
        """
        model, tokens = self._model, inputs["tokens"]
        mask = util.get_text_field_mask(tokens)
        encoded = model.encoder(model.text_field_embedder(tokens), mask)
        if model._feedforward is not None:
            encoded = model._feedforward(encoded)
        shared = {name: scores.to(encoded.device) for name, scores in self.shared().items()}
        emissions = model.tag_projection_layer(encoded)
        # Scores have half precision under autocast.
        return ChainPotentials(
            emissions=emissions.to(shared["transitions"].dtype), mask=mask, **shared
        )

    @staticmethod
    @overrides(check_signature=False)
    def have_nan(potentials: ChainPotentials) -> torch.Tensor:
        """Marks the sentences with a NaN score; shape `(batch,)`, boolean."""
        shared = torch.cat([potentials.transitions.flatten(), potentials.start, potentials.end])
        found = torch.isnan(potentials.emissions).any(dim=2) & potentials.mask
        return found.any(dim=1) | torch.isnan(shared).any()
