"""Computes the potentials of AllenNLP's `simple_tagger`: a chain without transitions."""

from typing import Any, Dict

import torch
from allennlp.nn import util
from overrides import overrides

from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.teachers.scorers.crf_tagger_scorer import CrfTaggerScorer


class SimpleTaggerScorer(CrfTaggerScorer):
    """Runs a tagger with independent tags ("MaxEnt") up to its scores.

    # Parameters

    model : `Model`
        A stock `SimpleTagger`, or of a class with the same parts.
    """

    @overrides
    def shared(self) -> Dict[str, torch.Tensor]:
        """The scores that all sentences share: `transitions`, `start` and `end`, all 0."""
        tags = self._model.num_classes
        return {
            "transitions": torch.zeros(tags, tags),
            "start": torch.zeros(tags),
            "end": torch.zeros(tags),
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
        # Scores have half precision under autocast.
        emissions = model.tag_projection_layer(encoded).float()
        shared = {name: scores.to(emissions.device) for name, scores in self.shared().items()}
        return ChainPotentials(emissions=emissions, mask=mask, **shared)
