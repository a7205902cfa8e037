"""The distribution over the trees of a sentence: an arc gets its score, a tree the sum of its
arcs' scores.

All functions take `single_root` (default: exactly one word hangs on ROOT, as in Universal
Dependencies) and `projective` (default: arcs may cross). Sums over trees are taken in float64.
Labels, where there are any, are normalised on each arc (see `TreePotentials`): `log_partition`
and `log_arc_marginals` do not depend on them; entropy and divergences count them, and
`without_labels()` leaves them out.
"""

from typing import Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.tree.blocks import over_label_scores
from allennlp_kd.structs.tree.local import (
    NOTHING,
    divergence,
    expectation,
    log_label_probabilities,
    log_normalised,
)
from allennlp_kd.structs.tree.partition.select_algorithm import log_sum
from allennlp_kd.structs.tree.potentials import TreePotentials
from allennlp_kd.structs.tree.trees import check_trees

# Float64 cannot tell a smaller marginal from 0: it comes from a difference of numbers around 1.
SMALLEST_MARGINAL = 1e-15


def log_partition(
    potentials: TreePotentials, single_root: bool = True, projective: bool = False
) -> Tensor:
    """The log of the sum of exp(score) over all trees.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for a fully padded row, -inf where every tree is forbidden.
    """
    return _log_partition(potentials.arc_scores, potentials, single_root, projective).to(
        potentials.arcs.dtype
    )


def _log_partition(
    arc_scores: Tensor, potentials: TreePotentials, single_root: bool, projective: bool
) -> Tensor:
    """As `log_partition`, in float64, of these scores instead of `potentials.arc_scores`."""
    return log_sum(arc_scores, potentials.mask, single_root, projective)


def _sum_and_marginals(
    potentials: TreePotentials, single_root: bool, projective: bool
) -> Tuple[Tensor, Tensor]:
    """The log-partition and the arc marginals (its gradient), in float64, both differentiable."""
    scores = potentials.arc_scores
    differentiable = torch.is_grad_enabled() and scores.requires_grad
    with torch.enable_grad():
        scores = scores.double() if differentiable else scores.detach().double().requires_grad_()
        total = _log_partition(scores, potentials, single_root, projective)
        # A batch without a word has no arc that the total depends on.
        if scores.numel() == 0 or not total.requires_grad:
            return total, torch.zeros_like(scores)
        (marginals,) = torch.autograd.grad(total.sum(), scores, create_graph=differentiable)
    return (total if differentiable else total.detach()), marginals


def log_arc_marginals(
    potentials: TreePotentials, single_root: bool = True, projective: bool = False
) -> Tensor:
    """The log probability of each arc to be in the tree.

    # Returns

    `Tensor`
        Shape `(batch, length, length + 1)`; -inf in cells which are no arc and for forbidden arcs.
        Elsewhere at least log(1e-15): float64 cannot resolve smaller marginals.
    """
    _, marginals = _sum_and_marginals(potentials, single_root, projective)
    logs = marginals.clamp(min=SMALLEST_MARGINAL).log()
    return logs.masked_fill(potentials.arc_scores == NOTHING, NOTHING).to(potentials.arcs.dtype)


def _expected(marginals: Tensor, values: Tensor) -> Tensor:
    """The sum over arcs of marginal times value, where a marginal of 0 counts as nothing."""
    return (marginals * values.double().masked_fill(marginals == 0, 0)).sum(dim=(1, 2))


def entropy(
    potentials: TreePotentials, single_root: bool = True, projective: bool = False
) -> Tensor:
    """The entropy of the distribution over (labelled) trees, shape `(batch,)`."""
    total, marginals = _sum_and_marginals(potentials, single_root, projective)
    result = total - _expected(marginals, potentials.arc_scores)
    if potentials.labels is not None:

        def of_labels(scores: Tensor) -> Tensor:
            log_labels = log_normalised(scores)
            return -expectation(log_labels, log_labels)

        result = result + _expected(marginals, over_label_scores(of_labels, potentials))
    return result.to(potentials.arcs.dtype)


def cross_entropy(
    potentials: TreePotentials,
    others: TreePotentials,
    single_root: bool = True,
    projective: bool = False,
) -> Tensor:
    """`-E_p[log q]` for the distributions p of `potentials` and q of `others` over (labelled)
    trees.

    Labels count where both have them.

    # Returns

    `Tensor`
        Shape `(batch,)`; inf where q forbids what p does not.
    """
    _, marginals = _sum_and_marginals(potentials, single_root, projective)
    total = _log_partition(others.arc_scores, others, single_root, projective)
    result = total - _expected(marginals, others.arc_scores)
    if potentials.labels is not None and others.labels is not None:

        def of_labels(scores: Tensor, other_scores: Tensor) -> Tensor:
            return -expectation(log_normalised(scores), log_normalised(other_scores))

        result = result + _expected(marginals, over_label_scores(of_labels, potentials, others))
    return result.to(potentials.arcs.dtype)


def kl_divergence(
    potentials: TreePotentials,
    others: TreePotentials,
    single_root: bool = True,
    projective: bool = False,
) -> Tensor:
    """`KL(p || q)` for the distributions p of `potentials` and q of `others` over (labelled) trees.

    Labels count where both have them.

    # Returns

    `Tensor`
        Shape `(batch,)`; inf where q forbids what p does not.
    """
    total, marginals = _sum_and_marginals(potentials, single_root, projective)
    other_total = _log_partition(others.arc_scores, others, single_root, projective)
    nothing = potentials.arc_scores == NOTHING
    difference = potentials.arc_scores.masked_fill(nothing, 0) - others.arc_scores.masked_fill(
        nothing, 0
    )
    result = other_total - total + _expected(marginals, difference)
    if potentials.labels is not None and others.labels is not None:

        def of_labels(scores: Tensor, other_scores: Tensor) -> Tensor:
            return divergence(log_normalised(scores), log_normalised(other_scores))

        result = result + _expected(marginals, over_label_scores(of_labels, potentials, others))
    return result.to(potentials.arcs.dtype)


def score(potentials: TreePotentials, heads: Tensor, labels: Optional[Tensor] = None) -> Tensor:
    """The score of one head for each word; with `labels`, of a labelled tree (see
    `TreePotentials`).

    That the heads form a tree is not checked.

    # Parameters

    heads : `Tensor`
        Shape `(batch, length)`, integer, 0 is ROOT; in padded cells not read.
    labels : `Tensor`, optional
        Shape `(batch, length)`, integer; in padded cells not read.

    # Returns

    `Tensor`
        Shape `(batch,)`; -inf where a head is the word itself or none of the sentence.
    """
    mask = potentials.mask
    heads = heads.masked_fill(~mask, 0)
    cells = potentials.arc_scores.gather(2, heads.unsqueeze(2)).squeeze(2)
    if labels is not None:
        log_labels = log_label_probabilities(potentials, heads)
        labels = labels.masked_fill(~mask, 0)
        cells = cells + log_labels.gather(2, labels.unsqueeze(2)).squeeze(2)
    return cells.masked_fill(~mask, 0).sum(dim=1)


def nll(
    potentials: TreePotentials,
    heads: Tensor,
    labels: Optional[Tensor] = None,
    single_root: bool = True,
    projective: bool = False,
) -> Tensor:
    """The negative log probability of a tree; with `labels`, of a labelled tree.

    # Raises

    ValueError
        If heads of a sentence are no tree of the kind asked for; the message names the sentence.
    """
    check_trees(heads, potentials.mask, single_root, projective)
    return log_partition(potentials, single_root, projective) - score(potentials, heads, labels)
