"""The biaffine product that gives the label scores of all arcs."""

from typing import Any, Tuple

import torch
from torch import Tensor


class ArcLabelScores(torch.autograd.Function):
    """`score[d, h, k] = head[h] @ projected[d, k] + bias[k]`.

    Among the two orders of the product, the one with the heads first is faster, and leaves the labels of
    an arc side by side, as sums over labels need them. Its gradient by `projected` is made in
    the order that `projected` has, where that of `torch.bmm` would come transposed, and be copied.
    """

    @staticmethod
    def forward(ctx: Any, head: Tensor, projected: Tensor, bias: Tensor) -> Tensor:
        """
        # Parameters

        head : `Tensor`
            Shape `(batch, heads, dimension)`.
        projected : `Tensor`
            Shape `(batch, dependents, labels, dimension)`.
        bias : `Tensor`
            Shape `(labels,)`.

        # Returns

        `Tensor`
            Shape `(batch, dependents, heads, labels)`, in memory heads before dependents; of the
            type of head and projected, the wider one.
        """
        batch, dependents, labels, _ = projected.shape
        ctx.types = head.dtype, projected.dtype, bias.dtype
        dtype = torch.promote_types(head.dtype, projected.dtype)
        head, projected = head.to(dtype), projected.to(dtype)
        ctx.save_for_backward(head, projected)
        added = bias.to(dtype).repeat(dependents).expand(batch, head.shape[1], -1)
        with torch.autocast(head.device.type, enabled=False):
            scores = torch.baddbmm(added, head, projected.flatten(1, 2).transpose(1, 2))
        return scores.unflatten(2, (dependents, labels)).transpose(1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        head, projected = ctx.saved_tensors
        # Shape: (batch, heads, dependents * labels)
        cells = gradient.transpose(1, 2).flatten(2)
        of_head = torch.bmm(cells, projected.flatten(1, 2))
        of_projected = torch.bmm(cells.transpose(1, 2), head).view_as(projected)
        of_bias = gradient.sum(dim=(0, 1, 2))
        found = of_head, of_projected, of_bias
        first, second, third = (part.to(dtype) for part, dtype in zip(found, ctx.types))
        return first, second, third
