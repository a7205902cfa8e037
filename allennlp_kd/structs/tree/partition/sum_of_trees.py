"""The log-partition function over trees, with first and second derivatives in closed form."""

from typing import Any, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.tree.partition.elimination import Elimination
from allennlp_kd.structs.tree.partition.log_space import log_sum_in_log_space


class SumOfTrees(torch.autograd.Function):
    """The log of the sum over trees of each sentence; its gradient is the arc marginals."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, mask: Tensor, elimination: Elimination) -> Tensor:
        """
        # Parameters

        scores : `Tensor`
            Shape `(batch, length, length + 1)`, float64.
        mask : `Tensor`
            Shape `(batch, length)`.
        elimination : `Elimination`
            Of these scores, exact for each sentence.

        # Returns

        `Tensor`
            Shape `(batch,)`.
        """
        ctx.save_for_backward(scores, mask)
        ctx.elimination = elimination
        return elimination.log_sum

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, None, None]:
        scores, mask = ctx.saved_tensors
        marginals = _Marginals.apply(scores, mask, ctx.elimination)
        return marginals * gradient[:, None, None], None, None


class _Marginals(torch.autograd.Function):
    """The arc marginals, shape `(batch, length, length + 1)`.

    Their gradient can be differentiated again: autograd then writes the tape after all.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, mask: Tensor, elimination: Elimination) -> Tensor:
        ctx.save_for_backward(scores, mask)
        ctx.elimination = elimination
        return elimination.marginals()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, None, None]:
        if not torch.is_grad_enabled():
            return ctx.elimination.curvature(gradient), None, None
        scores, mask = ctx.saved_tensors
        total = log_sum_in_log_space(scores, mask, ctx.elimination.single_root, projective=False)
        (marginals,) = torch.autograd.grad(total.sum(), scores, create_graph=True)
        (found,) = torch.autograd.grad(marginals, scores, gradient, create_graph=True)
        return found, None, None
