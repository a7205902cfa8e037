"""Weighted means of potentials, and checks of their members."""

import math
from functools import reduce
from typing import Any, Sequence

import torch
from torch import Tensor


def check_members(members: Sequence[Any], weights: Sequence[float]) -> None:
    """
    # Parameters

    members : `Sequence[ChainPotentials]` or `Sequence[TreePotentials]`
    weights : `Sequence[float]`
        Greater than 0, of the sum 1.

    # Raises

    ValueError
        If there is no member, the weights are not as above, or the members have not the same words
        or not the same number of labels.
    """
    if not members or len(weights) != len(members):
        raise ValueError(
            f"expected at least one member and one weight for each, found {len(members)} members "
            f"and the weights {list(weights)}"
        )
    if not all(weight > 0 for weight in weights) or abs(sum(weights) - 1) > 1e-6:
        raise ValueError(f"weights must be greater than 0 and add up to 1, found {list(weights)}")
    first = members[0]
    for number, member in enumerate(members[1:], start=1):
        if not torch.equal(member.mask, first.mask):
            raise ValueError(
                "the members scored different words: the first has sentences of "
                f"{first.lengths.tolist()} words, number {number} of {member.lengths.tolist()} "
                "words"
            )
        if labels_of(member) != labels_of(first):
            raise ValueError(
                f"the members scored different labels: the first has {labels_of(first)}, number "
                f"{number} has {labels_of(member)}"
            )


def labels_of(potentials: Any) -> int:
    """Returns the number of tags or labels."""
    return potentials.num_tags if hasattr(potentials, "num_tags") else potentials.num_labels


def weighted_sum(parts: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The sum of weight times part, with the shape of the parts."""
    return torch.stack([weight * part for weight, part in zip(weights, parts)]).sum(dim=0)


def log_weighted_sum(parts: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """log(sum of weight times exp(part)), with the shape of the parts."""
    shifted = [part + math.log(weight) for part, weight in zip(parts, weights)]
    return reduce(torch.logaddexp, shifted)
