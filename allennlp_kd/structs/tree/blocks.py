"""Computes functions of all labeled arcs in blocks, to limit memory."""

from typing import Callable, Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from allennlp_kd.structs.numerics.execution import exact
from allennlp_kd.structs.tree.labels.factored_labels import FactoredLabels
from allennlp_kd.structs.tree.labels.label_groups import Labels, scores_of, scores_shape
from allennlp_kd.structs.tree.potentials import TreePotentials

BLOCK_CELLS = 2**22
"""The maximum number of labeled arcs (16 MiB of float32) per block."""


@exact
def over_label_scores(
    function: Callable[..., Tensor], *potentials: TreePotentials, max_cells: Optional[int] = None
) -> Tensor:
    """Applies `function` to the label scores of each of `potentials`, in the groups of
    `LabelGroups`.

    Up to `max_cells` labeled arcs a group is one block. Beyond, its dependents are taken in blocks,
    each of which is computed again in the backward pass instead of being kept, so memory stays that
    of one block.

    # Parameters

    function : `Callable[..., Tensor]`
        From tensors of shape `(sentences, dependents, heads, labels)`, one for each of
        `potentials`, to one of shape `(sentences, dependents, heads)`. It works arc by arc.
    potentials : `TreePotentials`
        Of the same batch and labels.
    max_cells : `int`, optional (default = `BLOCK_CELLS`)

    # Returns

    `Tensor`
        Shape `(batch, length, length + 1)`. What stands in cells that are not arcs means nothing.

    # Raises

    ValueError
        If the potentials are not of sentences of the same lengths and of the same labels.
    """

    def single(*scores: Tensor) -> Tuple[Tensor]:
        return (function(*scores),)

    return several_over_label_scores(single, *potentials, max_cells=max_cells)[0]


@exact
def several_over_label_scores(
    function: Callable[..., Tuple[Tensor, ...]],
    *potentials: TreePotentials,
    max_cells: Optional[int] = None,
) -> Tuple[Tensor, ...]:
    """Like `over_label_scores`, but the function returns several tensors."""
    max_cells = BLOCK_CELLS if max_cells is None else max_cells
    groups = [part.label_groups for part in potentials]
    for part, other in zip(potentials[1:], groups[1:]):
        if other.rows != groups[0].rows or other.widths != groups[0].widths:
            raise ValueError(
                "potentials must be of the same batch, "
                f"found sentences of {[part.lengths.tolist() for part in potentials]} words"
            )
    kept = torch.is_grad_enabled() and any(part.requires_grad for part in potentials)
    found = [
        _of_group(function, parts, max_cells, kept)
        for parts in zip(*(each.parts for each in groups))
    ]
    return tuple(groups[0].join(values, arcs=True) for values in zip(*found))


def _of_group(
    function: Callable[..., Tuple[Tensor, ...]], parts: Sequence[Labels], max_cells: int, kept: bool
) -> Tuple[Tensor, ...]:
    shapes = [scores_shape(part) for part in parts]
    length = shapes[0][1]
    per_dependent = max(batch * heads * labels for batch, _, heads, labels in shapes)
    if per_dependent * length <= max_cells:
        return function(*(scores_of(part) for part in parts))
    size = max(1, max_cells // per_dependent)

    def of_block(first: int, last: int) -> Tuple[Tensor, ...]:
        return function(*(scores_of(part, first, last) for part in parts))

    for part in parts:
        if isinstance(part, FactoredLabels):
            _ = part.projected  # outside the part that is computed twice
    blocks = []
    for first in range(0, length, size):
        last = min(first + size, length)
        if kept:
            blocks.append(checkpoint(of_block, first, last, use_reentrant=False))
        else:
            blocks.append(of_block(first, last))
    return tuple(torch.cat(values, dim=1) for values in zip(*blocks))
