"""The parser student: AllenNLP's `biaffine_parser` with its scores exposed and faster training."""

from typing import Any, Dict, List, Optional, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import TextFieldTensors, Vocabulary
from allennlp.models import Model
from allennlp.nn.util import get_text_field_mask
from allennlp_models.structured_prediction.models.biaffine_dependency_parser import (
    BiaffineDependencyParser,
)
from overrides import overrides
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from allennlp_kd.metrics.dependency_scores import DependencyScores
from allennlp_kd.models.row_selection import fit_columns
from allennlp_kd.models.stock_tree_decoding import stock_trees
from allennlp_kd.models.student import Student
from allennlp_kd.structs.tree import FactoredLabels, TreePotentials, maximum_spanning_tree
from allennlp_kd.teachers.scorers.biaffine_parser_scorer import BiaffineParserScorer
from allennlp_kd.teachers.scorers.registry import scored_by

DECODERS = ("exact", "stock")


@Model.register("biaffine_parser_student")
@scored_by(BiaffineParserScorer)
class BiaffineParserStudent(BiaffineDependencyParser, Student):
    """A parser student with the parameters, weights and loss of AllenNLP's `biaffine_parser`.

    The loss is AllenNLP's: a mean over words, with a distribution over heads that includes the word
    itself. There are these differences: a training forward does not decode, so its output has no
    tree and its epoch no metrics; there is no loss without gold; scores over all words are computed
    in addition to AllenNLP's, which ignore punctuation; and a metric that was not computed is
    absent instead of 0.

    Part-of-speech tags are optional unless there is a `pos_tag_embedding`. Without them punctuation
    is unknown, so only the metrics over all words are computed.

    # Parameters

    vocab : `Vocabulary`
    decoder : `str`, optional (default = `"exact"`)
        `exact`: the tree with one root word that is best in the sum of log p(head) + log p(label).
        `stock`: AllenNLP's search, see `stock_trees`. With `use_mst_decoding_for_validation` false
        neither: each word gets its best head, which need not make a tree.
    kwargs : `Any`
        Those of `BiaffineDependencyParser`.

    # Raises

    ConfigurationError
        If there is no such decoder.
    """

    structure = "tree"
    gold_fields = ("head_tags", "head_indices")
    label_namespace = "head_tags"
    default_predictor = "parser_student"

    def __init__(self, vocab: Vocabulary, decoder: str = "exact", **kwargs) -> None:
        super().__init__(vocab, **kwargs)
        if decoder not in DECODERS:
            raise ConfigurationError(
                f"decoder must be one of {', '.join(DECODERS)}, found '{decoder}'"
            )
        self.decoder = decoder
        self._attachment_scores = DependencyScores(self.labels)

    @overrides(check_signature=False)
    def potentials(
        self, words: TextFieldTensors, pos_tags: Optional[torch.LongTensor] = None, **inputs: Any
    ) -> TreePotentials:
        """See `Student`. The inputs are those of `forward`."""
        # Shape: (batch, length, embedding)
        embedded = self.text_field_embedder(words)
        if self._pos_tag_embedding is not None:
            if pos_tags is None:
                raise ConfigurationError(
                    "the model has a pos_tag_embedding, but the sentences have no pos_tags"
                )
            embedded = torch.cat([embedded, self._pos_tag_embedding(pos_tags)], dim=-1)
        mask = get_text_field_mask(words)
        encoded = self.encoder(self._input_dropout(embedded), mask)
        root = self._head_sentinel.expand(encoded.shape[0], 1, -1)
        # ROOT, then the words. Shape: (batch, length + 1, encoding)
        encoded = self._dropout(torch.cat([root, encoded], dim=1))
        # Stock's "head" arc representation is that of the dependent: the rows of its attention are
        # dependents.
        arc_dependents = self._dropout(self.head_arc_feedforward(encoded))[:, 1:]
        arc_heads = self._dropout(self.child_arc_feedforward(encoded))
        label_heads = self._dropout(self.head_tag_feedforward(encoded))
        label_dependents = self._dropout(self.child_tag_feedforward(encoded))[:, 1:]
        weight, bias = self.tag_bilinear.weight, self.tag_bilinear.bias
        return TreePotentials(
            # Scores have half precision under autocast.
            arcs=self.arc_attention(arc_dependents, arc_heads).to(weight.dtype),
            mask=mask,
            labels=FactoredLabels(label_heads, label_dependents, weight, bias),
        )

    @overrides(check_signature=False)
    def gold_loss(
        self, potentials: TreePotentials, head_tags: Tensor, head_indices: Tensor
    ) -> Tensor:
        """See `Student`. The gold fields are those of `forward`."""
        arcs, labels = self._gold_losses(potentials, head_tags, head_indices)
        return arcs + labels

    def _gold_losses(
        self, potentials: TreePotentials, head_tags: Tensor, head_indices: Tensor
    ) -> Tuple[Tensor, Tensor]:
        """Returns the losses of the arcs and of the labels, each summed over all words."""
        mask = potentials.mask
        head_tags = fit_columns(head_tags, mask.shape[1])
        heads = fit_columns(head_indices, mask.shape[1]).masked_fill(~mask, 0)
        outside = (heads < 0) | (heads > potentials.lengths.unsqueeze(1))
        if bool(outside.any()):
            row, word = outside.nonzero()[0].tolist()
            raise ValueError(
                f"word {word + 1} of sentence {row} of the batch has the head "
                f"{int(heads[row, word])}, but it has {int(potentials.lengths[row])} words"
            )
        # AllenNLP's softmax is over all heads including the word itself, so it is not over
        # `arc_scores`.
        possible = pad(mask, (1, 0), value=True).unsqueeze(1)
        arcs = potentials.arcs.masked_fill(~possible, float("-inf"))
        labels = potentials.label_scores_of(heads)
        return (
            cross_entropy(arcs[mask], heads[mask], reduction="sum"),
            cross_entropy(labels[mask], head_tags[mask], reduction="sum"),
        )

    @overrides(check_signature=False)
    def forward(
        self,
        words: TextFieldTensors,
        pos_tags: Optional[torch.LongTensor] = None,
        metadata: Optional[List[Dict[str, Any]]] = None,
        head_tags: Optional[torch.LongTensor] = None,
        head_indices: Optional[torch.LongTensor] = None,
        **kwargs: Any,
    ) -> Dict[str, Any]:
        """
        # Parameters

        words, pos_tags, metadata, head_tags, head_indices : as in AllenNLP's `forward`.

        # Returns

        As AllenNLP's `forward`: `mask`; with gold `loss`, `arc_loss` and `tag_loss`; with metadata
        `words` and `pos`; `heads` and `head_tags` only where the model is not in training mode.
        """
        inputs = {"words": words, "pos_tags": pos_tags, "metadata": metadata}
        potentials = self.potentials(**inputs)
        if self.training:
            outputs = self._output(potentials, metadata)
        else:
            outputs = self.decode(potentials, **inputs)
        if head_tags is not None and head_indices is not None:
            sums = self._gold_losses(potentials, head_tags, head_indices)
            number = potentials.lengths.sum().clamp(min=1)
            outputs["arc_loss"], outputs["tag_loss"] = (total / number for total in sums)
            outputs["loss"] = outputs["arc_loss"] + outputs["tag_loss"]
            if not self.training:
                self.record(outputs, head_tags, head_indices, pos_tags)
        return outputs

    def _output(
        self, potentials: TreePotentials, metadata: Optional[List[Dict[str, Any]]]
    ) -> Dict[str, Any]:
        # As in AllenNLP's output, ROOT precedes the words.
        outputs: Dict[str, Any] = {"mask": pad(potentials.mask, (1, 0), value=True)}
        if metadata is not None:
            outputs["words"] = [sentence["words"] for sentence in metadata]
            outputs["pos"] = [sentence.get("pos") for sentence in metadata]
        return outputs

    @overrides(check_signature=False)
    def decode(
        self,
        potentials: TreePotentials,
        metadata: Optional[List[Dict[str, Any]]] = None,
        **inputs: Any,
    ) -> Dict[str, Any]:
        """See `Student`. Finds the best tree with the chosen `decoder`."""
        outputs = self._output(potentials, metadata)
        heads, labels = self._best(potentials)
        outputs["heads"] = pad(heads, (1, 0))
        if labels is not None:
            outputs["head_tags"] = pad(labels, (1, 0))
        return outputs

    def _best(self, potentials: TreePotentials) -> Tuple[Tensor, Optional[Tensor]]:
        """Returns heads and labels of shape `(batch, length)`, 0 in padded cells."""
        if self.use_mst_decoding_for_validation:
            if self.decoder == "stock":
                return stock_trees(potentials)
            heads, labels, _ = maximum_spanning_tree(potentials)
            return heads, labels
        padding = ~potentials.mask
        heads = potentials.arc_scores.detach().argmax(dim=2).masked_fill(padding, 0)
        if potentials.labels is None:
            return heads, None
        labels = potentials.label_scores_of(heads).detach().argmax(dim=2)
        return heads, labels.masked_fill(padding, 0)

    @overrides
    def decisions(self, outputs: Dict[str, Any]) -> Dict[str, Tensor]:
        padding = ~outputs["mask"][:, 1:]
        decided = {"heads": outputs["heads"][:, 1:].masked_fill(padding, -1)}
        if "head_tags" in outputs:
            decided["labels"] = outputs["head_tags"][:, 1:].masked_fill(padding, -1)
        return decided

    @overrides(check_signature=False)
    def record(
        self,
        outputs: Dict[str, Any],
        head_tags: Tensor,
        head_indices: Tensor,
        pos_tags: Optional[Tensor] = None,
        **inputs: Any,
    ) -> None:
        """See `Student`."""
        mask = outputs["mask"][:, 1:]
        scored = None if pos_tags is None else self._get_mask_for_eval(mask, pos_tags)
        self._attachment_scores(
            outputs["heads"][:, 1:],
            outputs["head_tags"][:, 1:],
            fit_columns(head_indices, mask.shape[1]),
            fit_columns(head_tags, mask.shape[1]),
            mask,
            scored,
        )

    @overrides
    def make_output_human_readable(self, output_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
        if "heads" not in output_dict:  # during a training forward
            return output_dict
        return super().make_output_human_readable(output_dict)
