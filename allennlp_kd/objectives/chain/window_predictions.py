"""KL divergence between the local distributions over a chain's windows of several tags."""

import torch
from torch import Tensor

from allennlp_kd.objectives.chain.predictions import edge_predictions, folded_nodes, local_kl
from allennlp_kd.structs.chain import ChainPotentials, kl_divergence


def window_predictions(student: ChainPotentials, teacher: ChainPotentials, window: int) -> Tensor:
    """Sum over windows of KL(P_T || P_S) over the tags^window cells of each; shape `(batch,)`.

    A window is `window` adjacent words; a cell's score is the sum of its nodes (emissions, with
    start and end at a sentence's ends) and of the edges between them. A sentence that is shorter is
    one window. So with 1 it is over nodes, with 2 over edges (`edge_predictions`), and as soon as
    it covers the sentence it is the divergence of the two distributions over whole sequences.

    From 3 on, no cell is made either: a window is a chain of a few words, all windows of the batch
    stand side by side, and O(words * window * tags^2) is done in `window` steps, whatever the length
    of the sentences is.
    """
    if window == 1:
        losses = local_kl(folded_nodes(teacher), folded_nodes(student))
        return losses.masked_fill(~student.mask, 0.0).sum(1)
    if window == 2:
        return edge_predictions(student, teacher)
    mask = student.mask
    batch, length = mask.shape
    window = min(window, length)
    if window == 0:
        return student.emissions.sum((1, 2))
    # Shape: (batch, length - window + 1), the windows that lie in a sentence or begin it.
    there = mask[:, window - 1 :].clone()
    there[:, 0] = mask[:, 0]
    rows, starts = there.nonzero(as_tuple=True)
    words = starts.unsqueeze(1) + torch.arange(window, device=mask.device)
    sides = []
    for side in (teacher, student):
        nodes = folded_nodes(side)[rows.unsqueeze(1), words]
        sides.append(ChainPotentials(nodes, mask[rows.unsqueeze(1), words], side.transitions))
    losses = kl_divergence(*sides)
    return losses.new_zeros(batch).index_add(0, rows, losses)
