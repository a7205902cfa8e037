"""Squared differences of a chain's scores, weighted by a product distribution."""

import torch
from allennlp.common.checks import ConfigurationError
from torch import Tensor

from allennlp_kd.objectives.chain.allowed_tags import AllowedTags
from allennlp_kd.objectives.chain.scores import difference
from allennlp_kd.objectives.numerics.finite_scores import unless_forbidden
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.pairs import compares


@compares
def weighted_scores(student: ChainPotentials, teacher: ChainPotentials, weights: Tensor) -> Tensor:
    """The variance of the score difference for tags drawn independently for each word from
    `weights`.

    With q = q_1 x .. x q_L the weights, n the difference of the nodes and t that of the edges, the
    main effect of a word's tag and the rest of an edge are

        f_i(y)     = n_i(y) + E_{q_{i-1}}[t(., y)] + E_{q_{i+1}}[t(y, .)],
        r_i(y', y) = t(y', y) - E_{q_i}[t(y', .)] - E_{q_{i-1}}[t(., y)] + E[t],

    which are orthogonal under q, so

        Var = sum_i Var_{q_i}(f_i) + sum_{i>1} (E[t^2] - E[E_{q_i}[t]^2] - E[E_{q_{i-1}}[t]^2] + E[t]^2).

    O(length * tags^2), in matrix products. Under uniform weights it is `centred_scores`; with q the
    teacher's own node marginals, half of it is the second-order expansion of the KL divergence
    around the product of these.

    # Parameters

    weights : `Tensor`
        Shape `(batch, length, tags)`; each word's sum to 1. What stands in padding is not read. Tags
        that the teacher forbids have no weight, and the others count in proportion.

    # Returns

    `Tensor`
        Shape `(batch,)`.
    """
    student, teacher = in_full_precision(student), in_full_precision(teacher)
    nodes, edges = difference(student, teacher)
    mask = student.mask.unsqueeze(-1)
    weights = weights.to(nodes.dtype).masked_fill(~mask, 0.0)

    def over_allowed() -> Tensor:
        return AllowedTags(student, teacher, weights=weights).centred_scores()

    if student.mask.shape[1] < 2:  # there are no edges: even forbidden ones have no gradient
        edges = torch.zeros_like(edges)
    # The remainder does not depend on these means, and is numerically small without them.
    rest = edges - edges.mean(1, keepdim=True) - edges.mean(0) + edges.mean()
    before, after = weights[:, :-1], weights[:, 1:]
    nodes = nodes.clone()
    nodes[:, 1:] = nodes[:, 1:] + mask[:, 1:] * (before @ edges)
    nodes[:, :-1] = nodes[:, :-1] + after @ edges.t()
    nodes = nodes - (weights * nodes).sum(-1, keepdim=True)
    words = (weights * nodes.square()).sum((1, 2))
    columns, rows = before @ rest, after @ rest.t()
    squares = (before @ rest.square() - columns.square()) * after
    means = (columns * after).sum(-1)
    losses = (
        words + squares.sum((1, 2)) - (before * rows.square()).sum((1, 2)) + means.square().sum(1)
    )
    return unless_forbidden(losses, teacher, over_allowed)


@compares
@torch.no_grad()
def product_weights(
    student: ChainPotentials, teacher: ChainPotentials, mix: float, mix_with: str
) -> Tensor:
    """(1 - mix) * the teacher's node marginals + mix * another distribution over each word's tags.

    # Parameters

    mix : `float`
        In [0, 1]; with 1 no marginals are needed.
    mix_with : `str`
        `uniform`; or `student`, the softmax of its emissions.

    # Returns

    `Tensor`
        Shape `(batch, length, tags)`.

    # Raises

    ConfigurationError
        If the teacher's potentials come without marginals.
    """
    student = in_full_precision(student)
    if mix_with == "student":
        padding = ~student.mask.unsqueeze(-1)
        other = student.emissions.masked_fill(padding, 0.0).softmax(-1)
    else:
        other = torch.full_like(student.emissions, 1 / student.num_tags)
    if mix == 1:
        return other
    if teacher.marginals is None:
        raise ConfigurationError(
            f"form 'weighted' with mix {mix} needs the teacher's marginals, but the potentials "
            "have none: use a live archive, or a store with `marginals: true`"
        )
    return torch.lerp(teacher.marginals.to(other.dtype), other, mix)
