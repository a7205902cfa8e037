"""Converts scores to the precision of a store."""

from typing import Any, Dict, List, NamedTuple, Sequence

import numpy
import torch
from torch import Tensor

TOLERANCE = 2e-3  # of the sentence's largest score or difference
PROBABILITY = 1e-2
CELLS = {"cpu": 2**18, "cuda": 2**22}
"""The largest number of scores compared at once. On a CPU, they fit into its cache. A longer sentence is compared
alone."""


class Choices(NamedTuple):
    """Scores among which a model chooses, before and after a conversion.

    # Parameters

    found, exact : `Tensor`
        Shape `(rows, choices, options)`.
    allowed : `Tensor`
        The same shape, `True` at the options that exist. Each row has at least one; padded choices have
        none.
    """

    found: Tensor
    exact: Tensor
    allowed: Tensor

    def moved(self) -> Tensor:
        """The largest change of a score, shape `(rows,)`."""
        return self._largest((self.found - self.exact).abs())

    def size(self) -> Tensor:
        """The largest score, without its sign, shape `(rows,)`."""
        return self._largest(self.exact.abs())

    def moved_apart(self) -> Tensor:
        """The largest change of the difference between two options of one choice, shape `(rows,)`."""
        return self._range(self.found - self.exact)

    def spread(self) -> Tensor:
        """The largest difference between two options of one choice, shape `(rows,)`."""
        return self._range(self.exact)

    def probability_moved(self) -> Tensor:
        """The largest change of an option's probability, shape `(rows,)`."""
        found, exact = (
            scores.masked_fill(~self.allowed, -float("inf")).softmax(dim=2)
            for scores in (self.found, self.exact)
        )
        return self._largest((found - exact).abs())

    def _largest(self, values: Tensor) -> Tensor:
        return values.masked_fill(~self.allowed, 0).amax(dim=(1, 2))

    def _range(self, scores: Tensor) -> Tensor:
        highest = scores.masked_fill(~self.allowed, -float("inf")).amax(dim=2)
        lowest = scores.masked_fill(~self.allowed, float("inf")).amin(dim=2)
        return (highest - lowest).amax(dim=1)


def are_near(parts: List[Choices]) -> Tensor:
    """Whether the scores of each sentence survive a conversion, shape `(rows,)`.

    It may change a score by at most `TOLERANCE` of the largest one, the difference between two options
    of one choice by at most `TOLERANCE` of the largest difference, and a probability by at most
    `PROBABILITY`. Rounding always satisfies the first condition. It violates the others if all
    options have a large score in common, because the difference between them is rounded away.
    """
    size = torch.stack([part.size() for part in parts]).amax(dim=0)
    spread = torch.stack([part.spread() for part in parts]).amax(dim=0)
    near = [
        (part.moved() <= TOLERANCE * size)
        & (part.moved_apart() <= TOLERANCE * spread)
        & (part.probability_moved() <= PROBABILITY)
        for part in parts
    ]
    return torch.stack(near).all(dim=0)


def narrowed(
    potentials: Any, dtype: str, form: Any, sentences: Sequence[Any]
) -> List[Dict[str, numpy.ndarray]]:
    """Converts the scores of each sentence to `dtype`, or keeps their precision if the loss is too
    large.

    # Parameters

    potentials : `ChainPotentials` or `TreePotentials`
        Of `float32`.
    dtype : `str`
    form : `StoredChains` or `StoredTrees`
    sentences : `Sequence[Any]`
        For errors.

    # Returns

    `List[Dict[str, numpy.ndarray]]`
        The arrays of each sentence; see `form.arrays`.

    # Raises

    ValueError
        If a score is not a number, or too large for the type.
    """
    exact = form.arrays(potentials)
    found = [_narrow_all(arrays, dtype, each) for arrays, each in zip(exact, sentences)]
    if dtype == "float32":
        return found
    near = _survive(potentials, dtype, form)
    return [
        narrow if kept else _narrow_all(arrays, "float32", each)
        for narrow, kept, arrays, each in zip(found, near, exact, sentences)
    ]


def _survive(potentials: Any, dtype: str, form: Any) -> List[bool]:
    """Whether the scores of each sentence survive the conversion. Computed on the device of the scores."""
    found: List[bool] = []
    mask = potentials.mask
    rows = torch.arange(len(mask), device=mask.device)
    most = CELLS["cuda" if mask.is_cuda else "cpu"] // form.cells(potentials)
    # A GPU may multiply float32 in TF32, which rounds both sides as float16 does.
    wide = torch.float64 if mask.is_cuda else torch.float32
    types = getattr(torch, dtype), wide
    for some in rows.split(max(1, most)):
        part = potentials.select_rows(some)
        sides = (form.rounded(part, each, wide) for each in types)
        found.extend(are_near(form.choices(*sides)).tolist())
    return found


def _narrow_all(arrays: Dict[str, Tensor], dtype: str, sentence: Any) -> Dict[str, numpy.ndarray]:
    return {name: _narrow(part.numpy(), dtype, sentence) for name, part in arrays.items()}


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
