"""The potentials of a stock `simple_tagger`: a chain without transitions."""

from typing import Any, Dict, List

import torch
from allennlp.models import Model
from allennlp.nn import util

from allennlp_kd.structs.chain import ChainPotentials


class SimpleTaggerScorer:
    """Runs the network of a tagger whose words are independent ("MaxEnt") as far as its scores.

    # Parameters

    model : `Model`
        Of stock's class `SimpleTagger` or a sub-class.
    """

    structure = "chain"
    fields = ("tokens",)
    """The inputs of the model that it reads; the first is the text."""
    takes_tags = True
    """Whether scores depend on part-of-speech tags, where the reader takes any."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def labels(self) -> List[str]:
        names = self._model.vocab.get_index_to_token_vocabulary(self._model.label_namespace)
        return [names[index] for index in range(self._model.num_classes)]

    def shared(self) -> Dict[str, torch.Tensor]:
        """The scores that all sentences have in common: `transitions`, `start` and `end`, all 0."""
        tags = self._model.num_classes
        return {
            "transitions": torch.zeros(tags, tags),
            "start": torch.zeros(tags),
            "end": torch.zeros(tags),
        }

    @torch.no_grad()
    def __call__(self, inputs: Dict[str, Any]) -> ChainPotentials:
        """
        # Parameters

        inputs : `Dict[str, Any]`
            The collated fields of the model's own reader; `tokens` is read.
        """
        model, tokens = self._model, inputs["tokens"]
        mask = util.get_text_field_mask(tokens)
        encoded = model.encoder(model.text_field_embedder(tokens), mask)
        # Half precision under autocast.
        emissions = model.tag_projection_layer(encoded).float()
        shared = {name: scores.to(emissions.device) for name, scores in self.shared().items()}
        return ChainPotentials(emissions=emissions, mask=mask, **shared)

    @staticmethod
    def have_nan(potentials: ChainPotentials) -> torch.Tensor:
        """Which sentences have a score that is not a number, shape `(batch,)`, boolean."""
        return (torch.isnan(potentials.emissions).any(dim=2) & potentials.mask).any(dim=1)
