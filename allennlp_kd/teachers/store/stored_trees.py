"""Tree potentials in a store: arc scores, and factors of the label scores."""

from typing import Dict, List

import torch
from torch import Tensor

from allennlp_kd.structs.tree import FactoredLabels, TreePotentials
from allennlp_kd.teachers.store.precision import Choices, are_near


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

    @classmethod
    def are_near(
        cls, narrow: Dict[str, Tensor], exact: Dict[str, Tensor], shared: Dict[str, Tensor]
    ) -> bool:
        """Whether a sentence's scores survive the conversion to the store's type."""
        found, expected = (cls._single(arrays, shared) for arrays in (narrow, exact))
        cells = expected.arc_mask
        # Shape: (arcs, labels)
        labels = [potentials.label_scores()[cells] for potentials in (found, expected)]
        return are_near(
            [
                Choices(found.arcs[0], expected.arcs[0], cells[0]),
                Choices(*labels, torch.ones_like(labels[0], dtype=torch.bool)),
            ]
        )

    @classmethod
    def _single(cls, arrays: Dict[str, Tensor], shared: Dict[str, Tensor]) -> TreePotentials:
        """Returns the potentials of one sentence."""
        batch = {name: part.float().unsqueeze(0) for name, part in arrays.items()}
        return cls.potentials(batch, torch.tensor([len(arrays["arcs"])]), shared)

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
