"""Functions of log probability tables: normalization, expectation, KL divergence."""

import torch
from torch import Tensor

from allennlp_kd.structs.numerics.execution import raised

NOTHING = float("-inf")


def log_normalized(scores: Tensor) -> Tensor:
    """Log softmax over the last dimension that keeps -inf, even if a whole row is -inf."""
    scores = raised(scores)
    forbidden = scores == NOTHING
    scores = scores.masked_fill(forbidden.all(dim=-1, keepdim=True), 0)
    return torch.log_softmax(scores, dim=-1).masked_fill(forbidden, NOTHING)


def expectation(log_weights: Tensor, values: Tensor) -> Tensor:
    """The sum of `exp(log_weights) * values` over the last dimension.

    A weight of 0 counts as nothing, also one that has underflowed: 0 * inf is 0 here, in the result
    and in the gradient.
    """
    weights = log_weights.exp()
    return (weights * values.masked_fill(weights == 0, 0)).sum(dim=-1)


def divergence(log_p: Tensor, log_q: Tensor) -> Tensor:
    """`KL(p || q)` over the last dimension of two tables of log probabilities of the same shape.

    Infinite where q is 0 and p is not; what has no probability under p (-inf, or so small that its
    exponential is 0) counts as nothing.
    """
    p = log_p.exp()
    return (p * (log_p - log_q).masked_fill(p == 0, 0)).sum(dim=-1)
