"""Tree potentials in a store: arc scores, and factors of the label scores."""

from dataclasses import replace
from typing import Dict, List

import torch
from torch import Tensor

from allennlp_kd.structs.tree import FactoredLabels, TreePotentials
from allennlp_kd.teachers.store.precision import Choices


class StoredTrees:
    """Converts tree potentials to arrays in a store, and back.

    For a sentence of n words, for a teacher with label representations of D dimensions, it holds
    the arc scores, n * (n + 1), with each word as its own head, over which AllenNLP's loss and
    decoder normalize; and the two vectors of each word and the vector of ROOT, in which its label
    scores are bilinear, (2n + 1) * D. The bilinear weights are in the header, once. So a word takes

        b * (n + 1 + 2D + D / n)

    bytes, where b is 4 for `float32` and 2 for `float16`, whatever the number of labels is: of 60
    words and D = 100, 1,051 and 526 bytes, plus a sentence's part of the index, about 5 bytes a
    word. In a store of `float16`, a sentence whose scores do not survive that (see
    `precision.are_near`; for example, its vectors are large and its scores are small) is held as
    `float32`.
    """

    @staticmethod
    def arrays(potentials: TreePotentials) -> List[Dict[str, Tensor]]:
        """Returns the arrays of each sentence.

        # Returns

        `List[Dict[str, Tensor]]`
            For each row `arcs`, shape `(words, words + 1)`, `heads`, shape `(words + 1,
            dimensions)`, and `dependents`, shape `(words, dimensions)`.
        """
        arcs, labels = potentials.arcs.cpu(), potentials.labels
        heads, dependents = labels.head.cpu(), labels.dependent.cpu()
        return [
            {
                "arcs": arcs[row, :n, : n + 1],
                "heads": heads[row, : n + 1],
                "dependents": dependents[row, :n],
            }
            for row, n in enumerate(potentials.lengths.tolist())
        ]

    @staticmethod
    def size(words: int, shared: Dict[str, Tensor]) -> int:
        """Returns the number of scores stored for a sentence of the given length."""
        _, head_dimension, dependent_dimension = shared["weight"].shape
        vectors = (words + 1) * head_dimension + words * dependent_dimension
        return words * (words + 1) + vectors

    @staticmethod
    def cells(potentials: TreePotentials) -> int:
        """The number of scores that `choices` compares for a sentence."""
        return potentials.arcs[0].numel() * (potentials.num_labels + 1)

    @staticmethod
    def rounded(
        potentials: TreePotentials, dtype: torch.dtype, wide: torch.dtype
    ) -> TreePotentials:
        """Returns the potentials that a store of type `dtype` gives back, in type `wide`."""
        labels = potentials.labels
        labels = FactoredLabels(
            head=labels.head.to(dtype).to(wide),
            dependent=labels.dependent.to(dtype).to(wide),
            weight=labels.weight.to(wide),
            bias=labels.bias.to(wide),
        )
        return replace(potentials, arcs=potentials.arcs.to(dtype).to(wide), labels=labels)

    @staticmethod
    def choices(found: TreePotentials, exact: TreePotentials) -> List[Choices]:
        """The heads of each word and the labels of each arc, before and after a conversion."""
        # Shape: (rows, length * (length + 1), labels)
        labels = [potentials.label_scores().flatten(1, 2) for potentials in (found, exact)]
        arcs = exact.arc_mask.flatten(1).unsqueeze(2).expand_as(labels[1])
        return [Choices(found.arcs, exact.arcs, exact.arc_mask), Choices(*labels, arcs)]

    @staticmethod
    def potentials(
        arrays: Dict[str, Tensor], words: Tensor, shared: Dict[str, Tensor]
    ) -> TreePotentials:
        """
        # Parameters

        arrays : `Dict[str, Tensor]`
            Those of `arrays`, each with a first axis of rows, padded with zeros.
        words : `Tensor`
            Shape `(rows,)`.
        shared : `Dict[str, Tensor]`
            `weight` and `bias`.
        """
        arcs = arrays["arcs"]
        steps = torch.arange(arcs.shape[1], device=arcs.device)
        labels = FactoredLabels(arrays["heads"], arrays["dependents"], **shared)
        return TreePotentials(arcs, steps < words.unsqueeze(1), labels)
