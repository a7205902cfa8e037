"""Chain potentials in a store: emissions per word, and once the scores that sentences share."""

from typing import Dict, List

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.teachers.store.precision import Choices, are_near


class StoredChains:
    """Converts chain potentials to arrays in a store, and back.

    In a store of `float16`, a sentence whose scores do not survive that (see `precision.are_near`) is
    held as `float32`.
    """

    @staticmethod
    def arrays(potentials: ChainPotentials) -> List[Dict[str, Tensor]]:
        """Returns the arrays of each sentence.

        # Returns

        `List[Dict[str, Tensor]]`
            For each row `emissions`, shape `(words, tags)`; and where the potentials have them,
            `marginals` of the same shape.
        """
        parts = {"emissions": potentials.emissions.cpu()}
        if potentials.marginals is not None:
            parts["marginals"] = potentials.marginals.to(potentials.emissions.dtype).cpu()
        return [
            {name: part[row, :n] for name, part in parts.items()}
            for row, n in enumerate(potentials.lengths.tolist())
        ]

    @staticmethod
    def size(words: int, shared: Dict[str, Tensor]) -> int:
        """Returns the number of scores stored for a sentence of the given length."""
        return words * shared["transitions"].shape[0]

    @staticmethod
    def are_near(
        narrow: Dict[str, Tensor], exact: Dict[str, Tensor], shared: Dict[str, Tensor]
    ) -> bool:
        """Whether a sentence's scores survive the conversion to the store's type."""
        found, expected = narrow["emissions"].float(), exact["emissions"].float()
        return are_near([Choices(found, expected, torch.ones_like(expected, dtype=torch.bool))])

    @staticmethod
    def potentials(
        arrays: Dict[str, Tensor], words: Tensor, shared: Dict[str, Tensor]
    ) -> ChainPotentials:
        """
        # Parameters

        arrays : `Dict[str, Tensor]`
            `emissions` and, if they are stored, `marginals`, shape `(rows, words, tags)`.
        words : `Tensor`
            Shape `(rows,)`.
        shared : `Dict[str, Tensor]`
            `transitions`, `start` and `end`.
        """
        emissions = arrays["emissions"]
        steps = torch.arange(emissions.shape[1], device=emissions.device)
        mask = steps < words.unsqueeze(1)
        return ChainPotentials(emissions, mask, marginals=arrays.get("marginals"), **shared)
