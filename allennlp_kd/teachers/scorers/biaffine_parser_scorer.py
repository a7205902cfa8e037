"""Computes the potentials of AllenNLP's `biaffine_parser` without loss and decoding."""

from typing import Any, Dict, List, Tuple

import torch
from allennlp.nn import util
from overrides import overrides

from allennlp_kd.structs.tree import FactoredLabels, TreePotentials
from allennlp_kd.teachers.scorers.registry import ArchiveScorer


class BiaffineParserScorer(ArchiveScorer):
    """Runs a biaffine parser up to its scores.

    Stock shifts the scores of padding by -1e8 and decodes in the same step; here the scores come
    before both. Its arc attention is named (head, child), but its rows are dependents.

    # Parameters

    model : `Model`
        A stock `BiaffineDependencyParser`, or of a class with the same parts.
    """

    structure = "tree"

    @property
    @overrides
    def takes_tags(self) -> bool:
        """Whether the scores depend on part-of-speech tags.

        AllenNLP's model requires tags of any sentence, and only an embedding of theirs uses them.
        """
        return self._model._pos_tag_embedding is not None

    @property
    @overrides
    def fields(self) -> Tuple[str, ...]:
        """The model's inputs that are read; the first one is the text."""
        return ("words", "pos_tags") if self.takes_tags else ("words",)

    @property
    @overrides
    def labels(self) -> List[str]:
        names = self._model.vocab.get_index_to_token_vocabulary("head_tags")
        return [names[index] for index in range(len(names))]

    @overrides
    def shared(self) -> Dict[str, torch.Tensor]:
        """The parameters that label scores of all sentences share: `weight` and `bias`."""
        bilinear = self._model.tag_bilinear
        return {"weight": bilinear.weight.detach(), "bias": bilinear.bias.detach()}

    @torch.no_grad()
    @overrides
    def __call__(self, inputs: Dict[str, Any]) -> TreePotentials:
        """
        # Parameters

        inputs : `Dict[str, Any]`
            The collated fields of the model's own reader; `fields` are read.
        """
        model, words = self._model, inputs["words"]
        mask = util.get_text_field_mask(words)
        embedded = model.text_field_embedder(words)
        if self.takes_tags:
            tags = model._pos_tag_embedding(inputs["pos_tags"])
            embedded = torch.cat([embedded, tags], dim=-1)
        encoded = model.encoder(embedded, mask)
        root = model._head_sentinel.expand(encoded.shape[0], 1, -1)
        # ROOT, then the words. Shape: (batch, length + 1, encoding)
        encoded = torch.cat([root.to(encoded.dtype), encoded], dim=1)
        arc_dependents = model.head_arc_feedforward(encoded)[:, 1:]
        arcs = model.arc_attention(arc_dependents, model.child_arc_feedforward(encoded))
        shared = self.shared()
        # Scores have half precision under autocast.
        dtype = shared["weight"].dtype
        labels = FactoredLabels(
            head=model.head_tag_feedforward(encoded).to(dtype),
            dependent=model.child_tag_feedforward(encoded)[:, 1:].to(dtype),
            **shared,
        )
        return TreePotentials(arcs=arcs.to(dtype), mask=mask, labels=labels)

    @staticmethod
    @overrides(check_signature=False)
    def have_nan(potentials: TreePotentials) -> torch.Tensor:
        """Marks the sentences with a NaN score; shape `(batch,)`, boolean."""
        labels = potentials.label_parts  # padding is zero
        arcs = torch.isnan(potentials.arcs) & potentials.arc_mask
        found = arcs.flatten(1).any(dim=1)
        for part in (labels.head, labels.dependent):
            found = found | torch.isnan(part).flatten(1).any(dim=1)
        return found | torch.isnan(labels.weight).any() | torch.isnan(labels.bias).any()
