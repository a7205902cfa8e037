"""KL divergences between label distributions of arcs, with their gradient in closed form."""

from typing import Any, Tuple

import torch
from torch import Tensor

from allennlp_kd.objectives.numerics.second_derivative import refuse_second_derivative


class LabelDivergence(torch.autograd.Function):
    """KL(P_T || P_S) over the last dimension, each P a softmax of scores.

    The gradient by the student's scores is P_S - P_T, which is all that is kept, and made on the way:
    of each side the scores are exponentiated once. A label that the teacher forbids (-inf) counts as
    nothing. Where it forbids all labels of an arc there is no distribution, and the divergence is NaN.
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
        log_p, none = _shifted(teacher.to(dtype))
        p, p_mass = _normalized(log_p.exp(), none)
        log_q, none_of_student = _shifted(student.to(dtype))
        differences = log_p.sub_(log_q).masked_fill_(p == 0, 0)
        # In place, because the memory of another table costs more than its arithmetic.
        q, q_mass = _normalized(log_q.exp_(), none_of_student)
        losses = differences.mul_(p).sum(-1) + (q_mass / p_mass).log_().squeeze(-1)
        ctx.save_for_backward(q.sub_(p).masked_fill_(none, 0))
        return losses.masked_fill_(none.squeeze(-1), float("nan"))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, None]:
        """
        # Raises

        RuntimeError
            If the gradient is to be differentiated again (`create_graph`), which it cannot be.
        """
        refuse_second_derivative("predictions over labels")
        (differences,) = ctx.saved_tensors
        return (differences * gradient.unsqueeze(-1)).to(ctx.type), None


def _shifted(scores: Tensor) -> Tuple[Tensor, Tensor]:
    """Subtracts each arc's maximum, and marks the arcs without one, shape `(..., 1)`."""
    greatest = scores.amax(-1, keepdim=True)
    none = greatest == float("-inf")
    return scores - greatest.masked_fill_(none, 0), none


def _normalized(weights: Tensor, none: Tensor) -> Tuple[Tensor, Tensor]:
    """Divides by the sum, in place; the sum has shape `(..., 1)` and is 1 for an arc without
    labels.
    """
    mass = weights.sum(-1, keepdim=True).masked_fill_(none, 1)
    return weights.div_(mass), mass
