"""Label scores of all arcs, stored as the factors of a biaffine form."""

from dataclasses import dataclass, replace
from typing import List, Optional, Sequence

import torch
from torch import Tensor

from allennlp_kd.structs.numerics.execution import at_least_single, exact, raised
from allennlp_kd.structs.numerics.graph_cache import (
    Masked,
    Projected,
    cached_graph_property,
    in_order,
)
from allennlp_kd.structs.tree.labels.arc_label_scores import ArcLabelScores


@dataclass(frozen=True)
class FactoredLabels:
    """The score of label k on the arc from head h to dependent d, bilinear in two vectors:

        score[d, h, k] = head[h] @ weight[k] @ dependent[d] + bias[k].

    That is `torch.nn.Bilinear` (Dozat and Manning, 2017) without its expanded copies: the
    dependents meet the weight once, in one matrix product, and each head or all heads in a second
    one.

    # Parameters

    head : `Tensor`
        Shape `(batch, length + 1, head dimension)`, ROOT first.
    dependent : `Tensor`
        Shape `(batch, length, dependent dimension)`.
    weight : `Tensor`
        Shape `(labels, head dimension, dependent dimension)`.
    bias : `Tensor`
        Shape `(labels,)`.

    # Raises

    ValueError
        If a shape is not as above; the message names it.
    """

    head: Tensor
    dependent: Tensor
    weight: Tensor
    bias: Tensor

    def __post_init__(self) -> None:
        for name, dimensions in (("head", 3), ("dependent", 3), ("weight", 3), ("bias", 1)):
            part = getattr(self, name)
            if part.dim() != dimensions or not part.is_floating_point():
                raise ValueError(
                    f"{name} must be floating point with {dimensions} dimensions, "
                    f"found {part.dtype} of shape {tuple(part.shape)}"
                )
        labels, head_dimension, dependent_dimension = self.weight.shape
        batch, length, _ = self.dependent.shape
        for name, shape in (
            ("head", (batch, length + 1, head_dimension)),
            ("dependent", (batch, length, dependent_dimension)),
            ("bias", (labels,)),
        ):
            found = tuple(getattr(self, name).shape)
            if found != shape:
                raise ValueError(f"{name} must have the shape {shape}, found {found}")

    @property
    def num_labels(self) -> int:
        return self.weight.shape[0]

    @property
    def length(self) -> int:
        return self.dependent.shape[1]

    @property
    def requires_grad(self) -> bool:
        """Whether one of the factors requires a gradient."""
        parts = (self.head, self.dependent, self.weight, self.bias)
        return any(part.requires_grad for part in parts)

    @cached_graph_property
    def projected(self) -> Tensor:
        """`weight @ dependent` of all words, shape `(batch, length, labels, head dimension)`.

        Nearly all of the work, and done once for whatever is asked of these scores. In float32 at
        least.
        """
        dtype = at_least_single(self.dependent.dtype, self.weight.dtype)
        # Shape: (labels * head dimension, dependent dimension)
        weight = self.weight.flatten(0, 1).to(dtype)
        found: Tensor = Projected.apply(self.dependent.to(dtype), weight)
        return found.unflatten(2, tuple(self.weight.shape[:2]))

    @exact
    def of_all(self, first: int = 0, last: Optional[int] = None) -> Tensor:
        """Returns the scores of all arcs into the dependents `first` (inclusive) to `last`
        (exclusive).

        # Returns

        `Tensor`
            Shape `(batch, last - first, length + 1, labels)`.
        """
        found: Tensor = ArcLabelScores.apply(self.head, self.projected[:, first:last], self.bias)
        return found

    @exact
    def of_heads(self, heads: Tensor) -> Tensor:
        """Returns the scores of one arc into each word.

        # Parameters

        heads : `Tensor`
            Shape `(batch, length)`, integer; 0 is ROOT.

        # Returns

        `Tensor`
            Shape `(batch, length, labels)`.
        """
        batch, positions, dimension = self.head.shape
        offsets = torch.arange(batch, device=heads.device).unsqueeze(1) * positions
        # Shape: (batch * length, 1, head dimension): each word is a sentence of one word and head.
        chosen = self.head.reshape(-1, 1, dimension).index_select(0, (heads + offsets).flatten())
        scores = ArcLabelScores.apply(chosen, self.projected.flatten(0, 1).unsqueeze(1), self.bias)
        return scores.view(batch, self.length, self.num_labels)

    def without_padding(self, mask: Tensor) -> "FactoredLabels":
        """Replaces the vectors of padded words by zeros; `mask` has the shape `(batch, length)`."""
        heads = torch.nn.functional.pad(mask, (1, 0), value=True)
        return replace(
            self,
            head=Masked.apply(self.head, heads.unsqueeze(2), 0.0),
            dependent=Masked.apply(self.dependent, mask.unsqueeze(2), 0.0),
        )

    def first_words(self, length: int) -> "FactoredLabels":
        """Removes the columns after the first `length` words."""
        return replace(self, head=self.head[:, : length + 1], dependent=self.dependent[:, :length])

    def select_words(self, words: Tensor, heads: Tensor) -> "FactoredLabels":
        """The scores of the arcs from these heads to these dependents of each sentence.

        # Parameters

        words : `Tensor`
            Shape `(batch, selected)`, words from 0.
        heads : `Tensor`
            Shape `(batch, selected + 1)`, where 0 is ROOT.
        """
        row = torch.arange(len(words), device=words.device).unsqueeze(1)
        return replace(self, head=self.head[row, heads], dependent=self.dependent[row, words])

    def select_labels(self, labels: Sequence[int]) -> "FactoredLabels":
        """Returns the scores of only these labels, in this order."""
        index = torch.as_tensor(labels, dtype=torch.long, device=self.weight.device)
        return replace(self, weight=self.weight[index], bias=self.bias[index])

    def spread_labels(self, labels: Sequence[int], size: int) -> "FactoredLabels":
        """Extends the scores to `size` labels; the new ones are forbidden (-inf)."""
        index = torch.as_tensor(labels, dtype=torch.long, device=self.weight.device)
        weight = self.weight.new_zeros((size,) + tuple(self.weight.shape[1:]))
        bias = self.bias.new_full((size,), float("-inf"))
        return replace(
            self,
            weight=weight.index_copy(0, index, self.weight),
            bias=bias.index_copy(0, index, self.bias),
        )

    def select_rows(self, rows: Tensor) -> "FactoredLabels":
        """Returns the scores of these sentences of the batch."""
        return replace(self, head=self.head[rows], dependent=self.dependent[rows])

    def split_rows(self, order: Tensor, sizes: Sequence[int]) -> List["FactoredLabels"]:
        """Splits the sentences, in this order, into groups of these sizes."""
        head, dependent = (in_order(part, order) for part in (self.head, self.dependent))
        heads, dependents = head.split(sizes), dependent.split(sizes)
        return [
            replace(self, head=head, dependent=dependent)
            for head, dependent in zip(heads, dependents)
        ]

    def divided_by(self, temperature: float) -> "FactoredLabels":
        """Divides all scores by `temperature`."""
        return replace(
            self, weight=raised(self.weight) / temperature, bias=raised(self.bias) / temperature
        )

    def detach(self) -> "FactoredLabels":
        """Detaches the scores from the autograd graph."""
        return FactoredLabels(
            self.head.detach(), self.dependent.detach(), self.weight.detach(), self.bias.detach()
        )
