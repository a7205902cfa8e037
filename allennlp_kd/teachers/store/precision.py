"""Converts scores to the precision of a store."""

from typing import Any, Dict, List, NamedTuple

import numpy
import torch
from torch import Tensor

TOLERANCE = 2e-3  # of the sentence's largest score or difference
PROBABILITY = 1e-2


class Choices(NamedTuple):
    """Scores among which a model chooses, before and after a conversion.

    # Parameters

    found, exact : `Tensor`
        Shape `(choices, options)`.
    allowed : `Tensor`
        Shape `(choices, options)`, boolean: the options that there are, at least one of each choice.
    """

    found: Tensor
    exact: Tensor
    allowed: Tensor

    def moved(self) -> float:
        """The largest change of a score."""
        return float((self.found - self.exact)[self.allowed].abs().max())

    def size(self) -> float:
        """The largest score, without its sign."""
        return float(self.exact[self.allowed].abs().max())

    def moved_apart(self) -> float:
        """The largest change of the difference between two options of one choice."""
        return self._range(self.found - self.exact)

    def spread(self) -> float:
        """The largest difference between two options of one choice."""
        return self._range(self.exact)

    def probability_moved(self) -> float:
        """The largest change of an option's probability."""
        found, exact = (
            scores.masked_fill(~self.allowed, -float("inf")).softmax(dim=1)
            for scores in (self.found, self.exact)
        )
        return float((found - exact).abs().max())

    def _range(self, scores: Tensor) -> float:
        highest = scores.masked_fill(~self.allowed, -float("inf")).amax(dim=1)
        lowest = scores.masked_fill(~self.allowed, float("inf")).amin(dim=1)
        return float((highest - lowest).max())


def are_near(parts: List[Choices]) -> bool:
    """Whether a sentence's scores survive a conversion.

    It may change a score by at most `TOLERANCE` of the largest one, the difference between two options
    of one choice by at most `TOLERANCE` of the largest difference, and a probability by at most
    `PROBABILITY`. Rounding always satisfies the first condition. It violates the others if all
    options have a large score in common, because the difference between them is rounded away.
    """
    size = max(part.size() for part in parts)
    spread = max(part.spread() for part in parts)
    return all(
        part.moved() <= TOLERANCE * size
        and part.moved_apart() <= TOLERANCE * spread
        and part.probability_moved() <= PROBABILITY
        for part in parts
    )


def narrowed(
    arrays: Dict[str, Tensor], dtype: str, form: Any, shared: Dict[str, Tensor], sentence: Any
) -> Dict[str, numpy.ndarray]:
    """Converts a sentence's scores to `dtype`, or keeps their precision if the loss is too large.

    # Parameters

    arrays : `Dict[str, Tensor]`
        Of `float32`, on the CPU.
    dtype : `str`
    form : `StoredChains` or `StoredTrees`
    shared : `Dict[str, Tensor]`
        What all sentences' scores have in common.
    sentence : `Any`
        For errors.

    # Raises

    ValueError
        If a score is not a number, or too large for the type.
    """
    found = {name: _narrow(part.numpy(), dtype, sentence) for name, part in arrays.items()}
    if dtype != "float32":
        narrow = {name: torch.from_numpy(part) for name, part in found.items()}
        if not form.are_near(narrow, arrays, shared):
            dtype = "float32"
            found = {name: _narrow(part.numpy(), dtype, sentence) for name, part in arrays.items()}
    return found


def _narrow(scores: numpy.ndarray, dtype: str, sentence: Any) -> numpy.ndarray:
    with numpy.errstate(over="ignore"):  # refused below
        narrow = scores.astype(dtype)
    if numpy.isfinite(narrow).all():
        return narrow
    if not numpy.isfinite(scores).all():
        raise ValueError(f"the teacher's scores of '{sentence}' contain NaN or an infinity")
    raise ValueError(
        f"the teacher's scores of '{sentence}' reach {numpy.abs(scores).max():g}, too large for "
        f"{dtype}: use dtype 'float32'"
    )
