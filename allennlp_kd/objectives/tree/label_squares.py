"""Mean squares of label score differences, with their gradient in closed form."""

from typing import Any, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.objectives.numerics.second_derivative import refuse_second_derivative
from allennlp_kd.structs.numerics.execution import at_least_single


class LabelSquares(torch.autograd.Function):
    """The mean square or the variance of s_S - s_T over the last dimension, and their mean.

    With d the difference, less its mean over an arc's labels where it is `centred`, the gradient by
    the student's scores is 2 d / labels, and that of the mean 1 / labels. So d is all that is kept,
    and made in place.
    """

    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor, centred: bool) -> Tuple[Tensor, Tensor]:
        """
        # Parameters

        student, teacher : `Tensor`
            Scores of shape `(..., labels)`. The teacher's get no gradient.
        centred : `bool`

        # Returns

        `Tuple[Tensor, Tensor]`
            The mean squares or variances, and the means of the differences, both of shape `(...)` and
            in float32 at least.
        """
        ctx.set_materialize_grads(False)
        ctx.type = student.dtype
        dtype = at_least_single(student.dtype, teacher.dtype)
        differences = student.to(dtype) - teacher
        means = differences.mean(-1, keepdim=True)
        if centred:
            differences -= means
        ctx.save_for_backward(differences)
        return differences.square().mean(-1), means.squeeze(-1)

    @staticmethod
    def backward(
        ctx: Any, of_squares: Optional[Tensor], of_means: Optional[Tensor]
    ) -> Tuple[Optional[Tensor], None, None]:
        """
        # Raises

        RuntimeError
            If the gradient is to be differentiated again (`create_graph`), which it cannot be.
        """
        refuse_second_derivative("scores of labels")
        (differences,) = ctx.saved_tensors
        labels = differences.shape[-1]
        found = None
        if of_squares is not None:
            found = differences * (of_squares * (2 / labels)).unsqueeze(-1)
        if of_means is not None:
            added = (of_means / labels).unsqueeze(-1)
            found = added.expand_as(differences) if found is None else found.add_(added)
        return None if found is None else found.to(ctx.type), None, None
