"""Quantities of all labelled arcs, without holding all of them at once where they are many."""

from typing import Callable, Optional

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from allennlp_kd.structs.tree.potentials import TreePotentials

BLOCK_CELLS = 2**22
"""How many labelled arcs (16 MiB of float32) are held at once before the work is split."""


def over_label_scores(
    function: Callable[..., Tensor], *potentials: TreePotentials, max_cells: Optional[int] = None
) -> Tensor:
    """`function` of the label scores of each of `potentials`, dependents taken together in blocks.

    Up to `max_cells` labelled arcs there is one block. Beyond, each block is computed again in the
    backward pass instead of being kept, so memory stays that of one block.

    # Parameters

    function : `Callable[..., Tensor]`
        From tensors of shape `(batch, dependents, length + 1, labels)`, one for each of
        `potentials`, to one of shape `(batch, dependents, length + 1)`. It works dependent by
        dependent.
    potentials : `TreePotentials`
        Of the same batch.
    max_cells : `int`, optional (default = `BLOCK_CELLS`)

    # Returns

    `Tensor`
        Shape `(batch, length, length + 1)`.
    """
    max_cells = BLOCK_CELLS if max_cells is None else max_cells
    length = potentials[0].max_length
    per_dependent = max(
        part.batch_size * (part.max_length + 1) * part.num_labels for part in potentials
    )
    if per_dependent * length <= max_cells:
        return function(*(part.label_scores() for part in potentials))
    size = max(1, max_cells // per_dependent)
    kept = torch.is_grad_enabled() and any(
        tensor.requires_grad for part in potentials for tensor in part.tensors()
    )

    def of_block(first: int, last: int) -> Tensor:
        return function(*(part.label_scores(first, last) for part in potentials))

    for part in potentials:
        part.prepare_labels()  # outside of what is computed twice
    blocks = []
    for first in range(0, length, size):
        last = min(first + size, length)
        if kept:
            blocks.append(checkpoint(of_block, first, last, use_reentrant=False))
        else:
            blocks.append(of_block(first, last))
    return torch.cat(blocks, dim=1)
