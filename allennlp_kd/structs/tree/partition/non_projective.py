"""The sum over all trees, including non-projective ones: the matrix-tree theorem."""

from typing import Any, Tuple

import torch
from torch import Tensor


class _LogAdd(torch.autograd.Function):
    """`torch.logaddexp` whose second derivative is not NaN if the arguments are far apart."""

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        ctx.save_for_backward(first, second)
        return torch.logaddexp(first, second)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, Tensor]:
        first, second = ctx.saved_tensors
        share = gradient * torch.sigmoid(first - second)
        return share, gradient - share


def log_sum_over_trees(scores: Tensor) -> Tensor:
    """The log of the sum, over all trees under ROOT, of exp(sum of arc scores).

    By the matrix-tree theorem (Tutte, 1948; Koo et al., 2007) this is the log determinant of the
    Laplacian D - W of the weights W, where D holds the sum of each dependent's weights, ROOT's
    included. Gaussian elimination of that matrix removes one word after the other: with the heads
    that are left, its pivot is the sum of the word's weights, and each word that had it as head
    gains a detour through it,

        p_k = sum_j w[k, j],    w[i, j] += w[i, k] w[k, j] / p_k.

    The diagonal is never formed, so nothing is subtracted (Grassmann, Taksar and Heyman, 1985): no
    cancellation where the best heads form a cycle, however sure the model is of it; and in log
    space no underflow. O(length^3), each of `length` steps batched.

    # Parameters

    scores : `Tensor`
        Shape `(batch, length, length + 1)`, finite; the diagonal is not read. Padded words have
        only ROOT as head.

    # Returns

    `Tensor`
        Shape `(batch,)`.
    """
    total = scores.new_zeros(scores.shape[0])
    for word in range(scores.shape[1] - 1, -1, -1):
        # The words before this one remain, with their columns and ROOT's. Shape: (batch, word + 1)
        row = scores[:, word, : word + 1]
        pivot = torch.logsumexp(row, dim=1)
        total = total + pivot
        if word == 0:
            break
        # Shape: (batch, word)
        dependents = scores[:, :word, word + 1]
        detour = dependents.unsqueeze(2) + (row - pivot.unsqueeze(1)).unsqueeze(1)
        scores = _LogAdd.apply(scores[:, :word, : word + 1], detour)
    return total
