"""The shapes of a schedule: pure functions of the progress from 0 to 1."""

import math
from typing import Callable, Dict


def constant(start: float, end: float, progress: float) -> float:
    """Always `start`."""
    return start


def linear(start: float, end: float, progress: float) -> float:
    """`start + (end - start) * progress`."""
    return start + (end - start) * progress


def cosine(start: float, end: float, progress: float) -> float:
    """`start + (end - start) * (1 - cos(pi * progress)) / 2` (Loshchilov and Hutter, 2017)."""
    return start + (end - start) * (1.0 - math.cos(math.pi * progress)) / 2.0


SHAPES: Dict[str, Callable[[float, float, float], float]] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
}


def scheduled(shape: str, start: float, end: float, length: int, completed: int) -> float:
    """The value after `completed` of `length` epochs or steps; it stays at `end` from then on.

    # Parameters

    shape : `str`
        A key of `SHAPES`.
    start, end : `float`
        The values at 0 and at `length`.
    length, completed : `int`
        Counts of epochs or of steps, `length` at least 1.
    """
    return SHAPES[shape](start, end, min(completed / length, 1.0))
