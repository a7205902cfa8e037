"""KL divergence between the local distributions over windows of several tags."""

import torch
from torch import Tensor

from allennlp_kd.objectives.chain.folded_nodes import check_tags_exist, folded_nodes
from allennlp_kd.objectives.chain.predictions import edge_predictions, local_kl
from allennlp_kd.structs.chain import ChainPotentials, kl_divergence, log_partition
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.pairs import compares


@compares
def window_predictions(student: ChainPotentials, teacher: ChainPotentials, window: int) -> Tensor:
    """Sum over windows of KL(P_T || P_S) over the tags^window cells of each; shape `(batch,)`.

    A window is `window` adjacent words; a cell's score is the sum of its nodes (emissions, with
    start and end at a sentence's ends) and of the edges between them. A sentence that is shorter is
    one window. So with 1 it is over nodes, with 2 over edges (`edge_predictions`), and as soon as
    it covers the sentence it is the divergence of the two distributions over whole sequences.

    From 3 on, no cell is made either: a window is a chain of a few words, all windows of the batch
    stand side by side, and O(words * window * tags^2) is done in `window` steps, whatever the length
    of the sentences is.

    # Raises

    ValueError
        If the teacher forbids all cells of a window.
    """
    student, teacher = in_full_precision(student), in_full_precision(teacher)
    if window == 1:
        nodes = folded_nodes(teacher)
        losses = local_kl(
            nodes, folded_nodes(student), lambda: check_tags_exist(nodes, teacher.mask)
        )
        return losses.masked_fill(~student.mask, 0.0).sum(1)
    if window == 2:
        return edge_predictions(student, teacher)
    mask = student.mask
    batch, length = mask.shape
    window = min(window, length)
    if window == 0:
        return student.emissions.sum((1, 2))
    # Shape: (batch, length - window + 1): the windows inside a sentence, or at its start.
    there = mask[:, window - 1 :].clone()
    there[:, 0] = mask[:, 0]
    rows, starts = there.nonzero(as_tuple=True)
    words = starts.unsqueeze(1) + torch.arange(window, device=mask.device)
    sides = []
    for side in (teacher, student):
        nodes = folded_nodes(side)[rows.unsqueeze(1), words]
        sides.append(ChainPotentials(nodes, mask[rows.unsqueeze(1), words], side.transitions))
    try:
        losses = kl_divergence(*sides)
    except ValueError:
        impossible = torch.isneginf(log_partition(sides[0]))
        if not bool(impossible.any()):
            raise
        place = int(impossible.nonzero()[0])
        raise ValueError(
            f"the teacher forbids all tags of the {window} words from word "
            f"{int(starts[place]) + 1} of sentence {int(rows[place])} of the batch"
        ) from None
    return losses.new_zeros(batch).index_add(0, rows, losses)
