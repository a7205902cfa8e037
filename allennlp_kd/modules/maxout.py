"""Maxout activation."""

from torch import Tensor


def maxout(values: Tensor, pieces: int) -> Tensor:
    """The greatest of several linear maps, number by number (Goodfellow et al., 2013).

    # Parameters

    values : `Tensor`
        Shape `(..., pieces * size)`: the outputs of the first map, then those of the next.
    pieces : `int`

    # Returns

    `Tensor`
        Shape `(..., size)`.
    """
    return values.unflatten(-1, (pieces, -1)).amax(dim=-2)
