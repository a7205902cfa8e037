"""Mean squares of the score differences of arcs' labels, with their gradient in closed form."""

from typing import Any, Tuple

import torch
from torch import Tensor

from allennlp_kd.objectives.numerics.second_derivative import refuse_second_derivative


class LabelSquares(torch.autograd.Function):
    """The mean, or the variance, over the last dimension of the squares of s_S - s_T.

    With d the difference, less its mean over an arc's labels where it is `centred`, the gradient by
    the student's scores is 2 d / labels. So d is all that is kept, and made in place.
    """

    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor, centred: bool) -> Tensor:
        """
        # Parameters

        student, teacher : `Tensor`
            Scores of shape `(..., labels)`. The teacher's get no gradient.
        centred : `bool`

        # Returns

        `Tensor`
            Shape `(...)`.
        """
        ctx.type = student.dtype
        differences = student - teacher
        if centred:
            differences -= differences.mean(-1, keepdim=True)
        ctx.save_for_backward(differences)
        return differences.square().mean(-1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, None, None]:
        """
        # Raises

        RuntimeError
            If the gradient is to be differentiated again (`create_graph`), which it cannot be.
        """
        refuse_second_derivative("scores of labels")
        (differences,) = ctx.saved_tensors
        factors = gradient * (2 / differences.shape[-1])
        return (differences * factors.unsqueeze(-1)).to(ctx.type), None, None
