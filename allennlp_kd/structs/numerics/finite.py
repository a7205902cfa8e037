"""Checks that scores are finite."""

from typing import Mapping, Optional, Tuple

import torch
from torch import Tensor


def not_finite(scores: Mapping[str, Tensor]) -> Optional[Tuple[str, float]]:
    """Returns the name of the first part with an infinity or NaN, and the first such score.

    # Parameters

    scores : `Mapping[str, Tensor]`
        By name; padding must be finite, or left out.
    """
    for name, part in scores.items():
        finite = torch.isfinite(part)
        if not bool(finite.all()):
            return name, float(part[~finite][0])
    return None


def unordered_row(scores: Tensor) -> Optional[int]:
    """Returns the first row with a score of NaN or infinity, by which structures cannot be compared: all sums with
    infinity are equal or NaN.

    # Parameters

    scores : `Tensor`
        Shape `(batch, ...)`. A score of minus infinity is in order.
    """
    wrong = ~(scores < float("inf"))
    if not bool(wrong.any()):
        return None
    return int(wrong.reshape(len(wrong), -1).any(dim=1).nonzero()[0])


def check_centrable(scores: Mapping[str, Tensor]) -> None:
    """
    # Parameters

    scores : `Mapping[str, Tensor]`
        As `not_finite` takes them.

    # Raises

    ValueError
        If a score is not finite: what is forbidden cannot be centered.
    """
    found = not_finite(scores)
    if found is not None:
        name, wrong = found
        raise ValueError(f"scores must be finite to be centered, found {wrong} in {name}")
