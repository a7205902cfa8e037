"""KL divergences between distributions over the labels of arcs, with their gradient in closed form."""

from typing import Any, Tuple

import torch
from torch import Tensor


class LabelDivergence(torch.autograd.Function):
    """KL(P_T || P_S) over the last dimension, each P a softmax of scores.

    The gradient by the student's scores is P_S - P_T, which is all that is kept, and made on the way:
    of each side the scores are exponentiated once. A label that the teacher forbids (-inf) counts as
    nothing, and arcs of which it forbids all labels have no divergence.
    """

    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor) -> Tensor:
        """
        # Parameters

        student, teacher : `Tensor`
            Scores of shape `(..., labels)`. The teacher's get no gradient.

        # Returns

        `Tensor`
            Shape `(...)`, in float32 at least; inf where the student forbids what the teacher does
            not.
        """
        ctx.type = student.dtype
        dtype = torch.promote_types(
            torch.promote_types(student.dtype, teacher.dtype), torch.float32
        )
        log_p, p, p_mass, none = _softmax(teacher.to(dtype))
        log_q, q, q_mass, _ = _softmax(student.to(dtype))
        differences = log_p.sub_(log_q).masked_fill_(p == 0, 0)
        losses = differences.mul_(p).sum(-1) + (q_mass / p_mass).log_().squeeze(-1)
        ctx.save_for_backward(q.sub_(p).masked_fill_(none, 0))
        return losses.masked_fill_(none.squeeze(-1), 0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, None]:
        """
        # Raises

        RuntimeError
            If the gradient is to be differentiated again (`create_graph`), which it cannot be.
        """
        if torch.is_grad_enabled():
            raise RuntimeError(
                "predictions over labels have a first derivative only, found create_graph=True"
            )
        (differences,) = ctx.saved_tensors
        return (differences * gradient.unsqueeze(-1)).to(ctx.type), None


def _softmax(scores: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scores less their greatest, their softmax, the sum of the former's exponentials, and where
    all are forbidden; the last two of shape `(..., 1)`."""
    greatest = scores.amax(-1, keepdim=True)
    none = greatest == float("-inf")
    scores = scores - greatest.masked_fill(none, 0)
    weights = scores.exp()
    mass = weights.sum(-1, keepdim=True).masked_fill_(none, 1)
    return scores, weights.div_(mass), mass, none
