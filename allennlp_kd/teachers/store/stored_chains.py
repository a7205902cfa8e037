"""Chain potentials in a store: emissions per word, and once the scores that sentences share."""

from dataclasses import replace
from typing import Dict, List

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.teachers.store.precision import Choices


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
    def cells(potentials: ChainPotentials) -> int:
        """The number of scores that `choices` compares for a sentence."""
        return potentials.emissions[0].numel()

    @staticmethod
    def rounded(
        potentials: ChainPotentials, dtype: torch.dtype, wide: torch.dtype
    ) -> ChainPotentials:
        """Returns the potentials that a store of type `dtype` gives back, in type `wide`."""
        return replace(potentials, emissions=potentials.emissions.to(dtype).to(wide))

    @staticmethod
    def choices(found: ChainPotentials, exact: ChainPotentials) -> List[Choices]:
        """The tags of each word, before and after a conversion."""
        words = exact.mask.unsqueeze(2).expand_as(exact.emissions)
        return [Choices(found.emissions, exact.emissions, words)]

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
