"""Arc marginals and their logarithms, accurate even if tiny."""

from typing import Optional, Tuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from allennlp_kd.structs.numerics.log_probabilities import NOTHING
from allennlp_kd.structs.tree.partition.select_algorithm import log_sum

ROUNDING = 1e-14
"""The maximum error of a marginal, which is computed from differences of numbers around 1."""
TOLERANCE = 1e-9
"""The maximum error of a loss that `ROUNDING` may cause."""
CELLS = 2**20
"""The number of table cells (8 MiB) that are eliminated at once."""


def sum_and_marginals(
    scores: Tensor, mask: Tensor, single_root: bool, projective: bool
) -> Tuple[Tensor, Tensor]:
    """The log of the sum over trees, and its gradient, the arc marginals.

    # Parameters

    scores : `Tensor`
        Shape `(batch, length, length + 1)`, -inf in cells that are not arcs.
    mask : `Tensor`
        Shape `(batch, length)`.

    # Returns

    `Tuple[Tensor, Tensor]`
        In float64, shapes `(batch,)` and `(batch, length, length + 1)`. Both differentiable where
        the scores are. A marginal may be off by `ROUNDING`, even below 0.
    """
    differentiable = torch.is_grad_enabled() and scores.requires_grad
    with torch.enable_grad():
        scores = scores.double() if differentiable else scores.detach().double().requires_grad_()
        total = log_sum(scores, mask, single_root, projective)
        # In a batch without words, the total depends on no arc.
        if scores.numel() == 0 or not total.requires_grad:
            marginals = torch.zeros_like(scores)
        else:
            (marginals,) = torch.autograd.grad(total.sum(), scores, create_graph=differentiable)
    return (total, marginals) if differentiable else (total.detach(), marginals.detach())


def log_marginals(
    scores: Tensor,
    mask: Tensor,
    single_root: bool,
    projective: bool,
    relevance: Optional[Tensor] = None,
) -> Tensor:
    """The logarithms of the arc marginals.

    A marginal that is large compared with `ROUNDING` is used as is. For other arcs it is

        log p(arc) = log(sum over trees with the arc) - log(sum over trees),

    with one sum over trees for each such arc, where the other heads of its word are forbidden. So
    the logarithm is exact however small the marginal is, and so is its gradient.

    # Parameters

    scores, mask : `Tensor`
        As for `sum_and_marginals`.
    relevance : `Tensor`, optional (default = 1 everywhere)
        Shape `(batch, length, length + 1)`, what a loss multiplies the logarithms by. Where it is
        so small that the error of the product is at most `TOLERANCE`, no sum is taken; where it is
        0, the logarithm means nothing.

    # Returns

    `Tensor`
        Float64, shape `(batch, length, length + 1)`; -inf for arcs which are in no tree.
    """
    total, marginals = sum_and_marginals(scores, mask, single_root, projective)
    some = torch.isfinite(scores) & ~torch.isneginf(total.detach())[:, None, None]
    if relevance is None:
        relevance = torch.ones_like(marginals)
    plain = marginals.detach()
    unsure = some & ~(plain * TOLERANCE >= relevance * ROUNDING) & (relevance > ROUNDING)
    logs = marginals.clamp(min=ROUNDING**2).log().masked_fill(~some, NOTHING)
    if not bool(unsure.any()):
        return logs
    rows, words, heads = unsure.nonzero(as_tuple=True)
    scores = scores.double()
    size = max(1, CELLS // (scores.shape[1] * scores.shape[2]))
    found = []
    for places in torch.arange(len(rows), device=rows.device).split(size):
        of = (scores, mask, rows[places], words[places], heads[places], single_root, projective)
        if torch.is_grad_enabled() and scores.requires_grad and len(rows) > size:
            found.append(checkpoint(_sums_with_arcs, *of, use_reentrant=False))
        else:
            found.append(_sums_with_arcs(*of))
    exact = torch.cat(found) - total.index_select(0, rows)
    return logs.index_put((rows, words, heads), exact)


def _sums_with_arcs(
    scores: Tensor,
    mask: Tensor,
    rows: Tensor,
    words: Tensor,
    heads: Tensor,
    single_root: bool,
    projective: bool,
) -> Tensor:
    """The log of the sum over the trees that contain an arc, shape `(arcs,)`.

    # Parameters

    rows, words, heads : `Tensor`
        Shape `(arcs,)`: the sentence, dependent and head of each arc.
    """
    tables = scores.index_select(0, rows)
    others = torch.zeros_like(tables, dtype=torch.bool)
    places = torch.arange(len(rows), device=rows.device)
    others[places, words] = True
    others[places, words, heads] = False
    tables = tables.masked_fill(others, NOTHING)
    return log_sum(tables, mask.index_select(0, rows), single_root, projective)
