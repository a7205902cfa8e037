"""Converts scores to the precision of a store."""

from typing import Any, Dict

import numpy
import torch
from torch import Tensor


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
