"""KL divergence between the local distributions over a chain's sub-structures."""

import torch
from torch import Tensor

from allennlp_kd.objectives.chain.edge_divergence import EdgeDivergence
from allennlp_kd.objectives.chain.scores import scores_of
from allennlp_kd.structs.chain import ChainPotentials

# A table's largest cell is at least exp(-spread of the transitions) of the product of the largest factors,
# so below this spread nothing that counts underflows in float32 (exp(-87)).
MAX_SPREAD = 60.0


def edge_predictions(student: ChainPotentials, teacher: ChainPotentials) -> Tensor:
    """Sum over positions i >= 2 of KL(P_T || P_S) over the tags^2 cells (y[i-1], y[i]); shape `(batch,)`.

    Each P is the softmax of a cell table e[i-1, y'] + t[y', y] + e[i, y]; start joins the first word's
    emissions, end the last's. A sentence of one word has one table, of its tags. With a = exp(e[i-1]),
    b = exp(e[i]) and M = exp(t), a table's mass is a M b and its node marginals are a * (M b) and
    b * (a M), so no table is ever made: O(length * tags^2) in matrix products.
    """
    if student.mask.shape[1] == 0:
        return student.emissions.sum((1, 2))
    narrow = (
        _spread(teacher.transitions) <= MAX_SPREAD and _spread(student.transitions) <= MAX_SPREAD
    )
    if not narrow:
        return _by_cells(student, teacher)
    losses: Tensor = EdgeDivergence.apply(*scores_of(student), scores_of(teacher), student.mask)
    # In products a forbidden tag (-inf in emissions, start or end) is 0 * inf.
    return _by_cells(student, teacher) if bool(losses.detach().isnan().any()) else losses


def folded_nodes(potentials: ChainPotentials) -> Tensor:
    """The emissions with start and end, 0 in padded cells; shape `(batch, length, tags)`."""
    mask = potentials.mask
    first = torch.zeros_like(mask)
    first[:, :1] = mask[:, :1]
    last = mask & ~torch.nn.functional.pad(mask[:, 1:], (0, 1))
    nodes = potentials.emissions.masked_fill(~mask.unsqueeze(-1), 0.0)
    zero = potentials.start.new_zeros(())
    nodes = nodes + torch.where(first.unsqueeze(-1), potentials.start, zero)
    return nodes + torch.where(last.unsqueeze(-1), potentials.end, zero)


def _spread(transitions: Tensor) -> Tensor:
    return transitions.max() - transitions.min()


def local_kl(teacher: Tensor, student: Tensor) -> Tensor:
    """KL of the softmaxes over the last dimension."""
    log_p, log_q = torch.log_softmax(teacher, -1), torch.log_softmax(student, -1)
    forbidden = torch.isneginf(log_p)
    return (log_p.exp() * (log_p - log_q).masked_fill(forbidden, 0.0)).sum(-1)


def _by_cells(student: ChainPotentials, teacher: ChainPotentials) -> Tensor:
    """The same in log space, table by table: for forbidden transitions and far-apart scores."""
    mask, nodes = student.mask, (folded_nodes(teacher), folded_nodes(student))
    alone = mask[:, 0] & (student.lengths == 1)
    losses = local_kl(nodes[0][:, 0], nodes[1][:, 0]).masked_fill(~alone, 0.0)
    for step in range(1, mask.shape[1]):
        tables = [
            (side[:, step - 1].unsqueeze(2) + edges + side[:, step].unsqueeze(1)).flatten(1)
            for side, edges in zip(nodes, (teacher.transitions, student.transitions))
        ]
        losses = losses + local_kl(*tables).masked_fill(~mask[:, step], 0.0)
    return losses
