"""Maxout activation."""

from torch import Tensor
from torch.nn import Module


class Maxout(Module):
    """The element-wise maximum of several linear maps (Goodfellow et al., 2013).

    # Parameters

    pieces : `int`
        The number of linear maps.
    """

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self._pieces = pieces

    def forward(self, values: Tensor) -> Tensor:
        """
        # Parameters

        values : `Tensor`
            Shape `(..., pieces * size)`: the outputs of the first map, then those of the next.

        # Returns

        `Tensor`
            Shape `(..., size)`.
        """
        return values.unflatten(-1, (self._pieces, -1)).amax(dim=-2)
