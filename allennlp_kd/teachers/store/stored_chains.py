"""Chain potentials as a store holds them: emissions per word, and once what all sentences share."""

from typing import Dict, List

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials


class StoredChains:
    """How a store takes chain potentials apart and puts them together again."""

    @staticmethod
    def arrays(potentials: ChainPotentials) -> List[Dict[str, Tensor]]:
        """What is stored of each sentence.

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
        """The number of scores that are stored for a sentence of this many words."""
        return words * shared["transitions"].shape[0]

    @staticmethod
    def are_near(
        narrow: Dict[str, Tensor], exact: Dict[str, Tensor], shared: Dict[str, Tensor]
    ) -> bool:
        """Whether a sentence's scores survive in the store's type: each is rounded on its own."""
        return True

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
