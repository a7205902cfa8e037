"""The distribution over the trees of a sentence; the score of a tree is the sum of its arc scores.

All functions take `single_root` (default: exactly one word hangs on ROOT, as in Universal
Dependencies) and `projective` (default: arcs may cross). Sums over trees are taken in float64, and
what is returned is float32 at least. Labels, where there are any, are normalized on each arc (see
`TreePotentials`): `log_partition` and `log_arc_marginals` do not depend on them; entropy and
divergences count them, and `without_labels()` leaves them out.
"""

from typing import Optional

import torch
from torch import Tensor

from allennlp_kd.structs.numerics.execution import at_least_single, exact
from allennlp_kd.structs.numerics.log_probabilities import (
    NOTHING,
    divergence,
    expectation,
    log_normalized,
)
from allennlp_kd.structs.numerics.pairs import compares
from allennlp_kd.structs.tree.blocks import over_label_scores
from allennlp_kd.structs.tree.local import log_label_probabilities
from allennlp_kd.structs.tree.partition.marginals import log_marginals, sum_and_marginals
from allennlp_kd.structs.tree.partition.select_algorithm import log_sum
from allennlp_kd.structs.tree.potentials import TreePotentials
from allennlp_kd.structs.tree.trees import check_trees


@exact
def log_partition(
    potentials: TreePotentials, single_root: bool = True, projective: bool = False
) -> Tensor:
    """The log of the sum of exp(score) over all trees.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for a fully padded row, -inf where every tree is forbidden.
    """
    total = log_sum(potentials.arc_scores, potentials.mask, single_root, projective)
    return _narrowed(total, potentials)


@exact
def log_arc_marginals(
    potentials: TreePotentials,
    single_root: bool = True,
    projective: bool = False,
    relevance: Optional[Tensor] = None,
) -> Tensor:
    """The log probability that each arc is in the tree, accurate even if tiny. Differentiable.

    # Parameters

    relevance : `Tensor`, optional (default = 1 everywhere)
        Shape `(batch, length, length + 1)`, at least 0: what the result is multiplied by, see
        `partition.marginals.log_marginals`.

    # Returns

    `Tensor`
        Shape `(batch, length, length + 1)`; -inf in cells that are not arcs and for arcs which are in
        no tree.
    """
    scores, mask = potentials.arc_scores, potentials.mask
    found = log_marginals(scores, mask, single_root, projective, relevance)
    return _narrowed(found, potentials)


def _narrowed(values: Tensor, *potentials: TreePotentials) -> Tensor:
    """Converts float64 back to the type of the scores, at least float32."""
    return values.to(at_least_single(*(part.arcs.dtype for part in potentials)))


def _expected(marginals: Tensor, values: Tensor) -> Tensor:
    """The sum over arcs of marginal times value; marginals of 0 contribute 0."""
    return (marginals * values.double().masked_fill(marginals == 0, 0)).sum(dim=(1, 2))


def check_labels(losses: Tensor, weights: Tensor, per_arc: Tensor) -> None:
    """
    # Parameters

    losses : `Tensor`
        Shape `(batch,)`. Where none is NaN, nothing is looked at.
    weights : `Tensor`
        Shape `(batch, length, length + 1)`, the probabilities of the arcs.
    per_arc : `Tensor`
        The same shape, NaN for arcs all of whose labels are forbidden.

    # Raises

    ValueError
        If all labels of an arc are forbidden, and the arc is not.
    """
    if not bool(torch.isnan(losses.detach()).any()):
        return
    wrong = torch.isnan(per_arc.detach()) & (weights.detach() > 0)
    if bool(wrong.any()):
        row, word, head = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"row {row} forbids all labels of the arc from head {head} to word {word + 1}, but not "
            "the arc: give the arc the score -inf too"
        )


def _check_trees_exist(total: Tensor) -> None:
    """
    # Raises

    ValueError
        If a sentence has no tree that is not forbidden: there is no distribution.
    """
    impossible = torch.isneginf(total.detach())
    if bool(impossible.any()):
        row = int(impossible.nonzero()[0])
        raise ValueError(f"row {row} forbids every tree, so it has no distribution over trees")


def _check_possible(log_p: Tensor, scores: Tensor) -> Tensor:
    """Returns NaN where all labels of an arc are forbidden in `scores`, shape `(..., labels)`."""
    return log_p.masked_fill((scores == NOTHING).all(dim=-1), float("nan"))


@exact
def entropy(
    potentials: TreePotentials, single_root: bool = True, projective: bool = False
) -> Tensor:
    """The entropy of the distribution over (labeled) trees, shape `(batch,)`.

    # Raises

    ValueError
        If every tree of a sentence is forbidden, or all labels of an arc that is not.
    """
    scores = potentials.arc_scores
    total, marginals = sum_and_marginals(scores, potentials.mask, single_root, projective)
    _check_trees_exist(total)
    result = total - _expected(marginals, scores.masked_fill(scores == NOTHING, 0))
    if potentials.labels is not None:

        def of_labels(scores: Tensor) -> Tensor:
            log_labels = log_normalized(scores)
            return _check_possible(-expectation(log_labels, log_labels), scores)

        per_arc = over_label_scores(of_labels, potentials)
        result = result + _expected_labels(potentials, marginals, per_arc, single_root, projective)
    return _narrowed(result, potentials)


@compares
def cross_entropy(
    potentials: TreePotentials,
    others: TreePotentials,
    single_root: bool = True,
    projective: bool = False,
) -> Tensor:
    """`-E_p[log q]` for the distributions p of `potentials` and q of `others` over (labeled) trees.

    Labels count where both have them.

    # Returns

    `Tensor`
        Shape `(batch,)`; inf where q forbids what p does not.

    # Raises

    ValueError
        If the two are of other sentences or numbers of labels; as `entropy`, of p.
    """
    scores, mask = potentials.arc_scores, potentials.mask
    total, marginals = sum_and_marginals(scores, mask, single_root, projective)
    _check_trees_exist(total)
    other_total = log_sum(others.arc_scores, mask, single_root, projective)
    result = other_total - _expected(marginals, _finite(others.arc_scores))
    if potentials.labels is not None and others.labels is not None:

        def of_labels(scores: Tensor, other_scores: Tensor) -> Tensor:
            found = -expectation(log_normalized(scores), log_normalized(other_scores))
            return _check_possible(found, scores)

        per_arc = over_label_scores(of_labels, potentials, others)
        result = result + _expected_labels(potentials, marginals, per_arc, single_root, projective)
    lacking = others.arc_scores == NOTHING
    infinite = _probable(potentials, lacking, single_root, projective).flatten(1).any(dim=1)
    return _narrowed(result.masked_fill(infinite, float("inf")), potentials, others)


@compares
def kl_divergence(
    potentials: TreePotentials,
    others: TreePotentials,
    single_root: bool = True,
    projective: bool = False,
) -> Tensor:
    """`KL(p || q)` for the distributions p of `potentials` and q of `others` over (labeled) trees.

    Labels count where both have them.

    # Returns

    `Tensor`
        Shape `(batch,)`; inf where q forbids what p does not.

    # Raises

    ValueError
        As `cross_entropy`.
    """
    scores, mask = potentials.arc_scores, potentials.mask
    total, marginals = sum_and_marginals(scores, mask, single_root, projective)
    _check_trees_exist(total)
    other_total = log_sum(others.arc_scores, mask, single_root, projective)
    difference = _finite(scores) - _finite(others.arc_scores)
    result = other_total - total + _expected(marginals, difference)
    if potentials.labels is not None and others.labels is not None:

        def of_labels(scores: Tensor, other_scores: Tensor) -> Tensor:
            found = divergence(log_normalized(scores), log_normalized(other_scores))
            return _check_possible(found, scores)

        per_arc = over_label_scores(of_labels, potentials, others)
        result = result + _expected_labels(potentials, marginals, per_arc, single_root, projective)
    lacking = others.arc_scores == NOTHING
    infinite = _probable(potentials, lacking, single_root, projective).flatten(1).any(dim=1)
    return _narrowed(result.masked_fill(infinite, float("inf")), potentials, others)


def _finite(scores: Tensor) -> Tensor:
    """Replaces -inf by 0."""
    return scores.masked_fill(scores == NOTHING, 0)


def _expected_labels(
    potentials: TreePotentials,
    marginals: Tensor,
    per_arc: Tensor,
    single_root: bool,
    projective: bool,
) -> Tensor:
    """The sum over arcs of marginal times the contribution of their labels.

    # Parameters

    per_arc : `Tensor`
        Shape `(batch, length, length + 1)`; may be inf, and NaN where all labels are forbidden.

    # Raises

    ValueError
        If all labels of an arc are forbidden that has a probability.
    """
    odd = ~torch.isfinite(per_arc.detach())
    found = _expected(marginals, per_arc.masked_fill(odd, 0))
    counted = _probable(potentials, odd, single_root, projective)
    odd_values = per_arc.masked_fill(~(odd & counted), 0).sum(dim=(1, 2))
    check_labels(odd_values, counted.double(), per_arc)
    return found + odd_values


@torch.no_grad()
def _probable(
    potentials: TreePotentials, cells: Tensor, single_root: bool, projective: bool
) -> Tensor:
    """Marks the cells that are arcs with a positive probability, however small; shape as `cells`."""
    cells = cells & (potentials.arc_scores != NOTHING)
    if not bool(cells.any()):
        return cells
    scores, mask = potentials.arc_scores, potentials.mask
    log_p = log_marginals(scores, mask, single_root, projective, cells.double())
    return cells & (log_p.exp() > 0)


@exact
def score(potentials: TreePotentials, heads: Tensor, labels: Optional[Tensor] = None) -> Tensor:
    """The score of a tree, given as one head per word; with `labels`, of a labeled tree (see
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
    if labels is not None and potentials.labels is None:
        raise ValueError("labels are given, but these potentials have no label scores")
    if labels is not None:
        log_labels = log_label_probabilities(potentials, heads)
        labels = labels.masked_fill(~mask, 0)
        cells = cells + log_labels.gather(2, labels.unsqueeze(2)).squeeze(2)
    return cells.masked_fill(~mask, 0).sum(dim=1)


@exact
def nll(
    potentials: TreePotentials,
    heads: Tensor,
    labels: Optional[Tensor] = None,
    single_root: bool = True,
    projective: bool = False,
) -> Tensor:
    """The negative log probability of a tree; with `labels`, of a labeled tree.

    # Returns

    `Tensor`
        Shape `(batch,)`; inf for a tree that is forbidden.

    # Raises

    ValueError
        If heads of a sentence are not a tree of the kind asked for; the message names the sentence.
    """
    check_trees(heads, potentials.mask, single_root, projective)
    total = log_partition(potentials, single_root, projective)
    # If every tree is forbidden, the difference would be -inf - -inf.
    total = total.masked_fill(total == NOTHING, 0)
    return total - score(potentials, heads, labels)
