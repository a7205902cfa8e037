"""Huber loss."""

from typing import Optional

from torch import Tensor


def huber_loss(differences: Tensor, huber: Optional[float] = None) -> Tensor:
    """x^2, and beyond `huber` the tangent line 2 * huber * |x| - huber^2.

    Twice the loss of Huber, "Robust estimation of a location parameter" (1964), so that for small
    differences it is the square.
    """
    if huber is None:
        return differences.square()
    sizes = differences.abs()
    inside = sizes.clamp(max=huber)
    return inside * (2 * sizes - inside)
