"""Converts scores that all sentences share to potentials without sentences, and back."""

from typing import Any, Dict

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.tree import FactoredLabels, TreePotentials

Shared = Dict[str, Tensor]


def nothing_scored(structure: str, shared: Shared) -> Any:
    """Returns potentials without sentences.

    # Parameters

    structure : `str`
        `"chain"` or `"tree"`.
    shared : `Dict[str, Tensor]`
        Of a chain `transitions`, `start` and `end`; of a tree `weight` and `bias`.
    """
    mask = torch.zeros(0, 0, dtype=torch.bool)
    if structure == "chain":
        return ChainPotentials(torch.zeros(0, 0, len(shared["start"])), mask, **shared)
    _, head_dimension, dependent_dimension = shared["weight"].shape
    heads, dependents = torch.zeros(0, 1, head_dimension), torch.zeros(0, 0, dependent_dimension)
    labels = FactoredLabels(heads, dependents, **shared)
    return TreePotentials(torch.zeros(0, 0, 1), mask, labels)


def shared_scores(potentials: Any) -> Shared:
    """The inverse of `nothing_scored`, for potentials of any sentences."""
    if isinstance(potentials, ChainPotentials):
        return {name: getattr(potentials, name) for name in ("transitions", "start", "end")}
    return {"weight": potentials.labels.weight, "bias": potentials.labels.bias}
