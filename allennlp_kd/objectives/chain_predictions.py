"""KL divergence between the local distributions over a chain's sub-structures."""

from typing import Tuple

import torch
from torch import Tensor

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
    mask = student.mask
    student_nodes, teacher_nodes = folded_nodes(student), folded_nodes(teacher)
    if mask.shape[1] == 0:
        return student_nodes.sum((1, 2))
    alone = mask[:, 0] & (student.lengths == 1)
    single = local_kl(teacher_nodes[:, 0], student_nodes[:, 0]).masked_fill(~alone, 0.0)
    if mask.shape[1] == 1:
        return single
    tables = mask[:, 1:]
    narrow = (
        _spread(teacher.transitions) <= MAX_SPREAD and _spread(student.transitions) <= MAX_SPREAD
    )
    divergence = _by_products if narrow else _by_cells
    per_table = divergence(student_nodes, student.transitions, teacher_nodes, teacher.transitions)
    return single + per_table.masked_fill(~tables, 0.0).sum(1)


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


def _masses(nodes: Tensor, transitions: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    """a, M, b and log(a M b), all but the last scaled to a largest entry of 1."""
    peaks = nodes.detach().amax(-1, keepdim=True)
    scaled = (nodes - peaks).exp()
    top = transitions.detach().max()
    edges = (transitions - top).exp()
    left, right = scaled[:, :-1], scaled[:, 1:]
    mass = ((left @ edges) * right).sum(-1)
    log_mass = mass.log() + (peaks[:, :-1] + peaks[:, 1:]).squeeze(-1) + top
    return left, edges, right, log_mass


def _by_products(
    student_nodes: Tensor, student_edges: Tensor, teacher_nodes: Tensor, teacher_edges: Tensor
) -> Tensor:
    left, edges, right, log_mass = _masses(teacher_nodes, teacher_edges)
    before, after = right @ edges.t(), left @ edges
    mass = (after * right).sum(-1, keepdim=True)
    node_difference = teacher_nodes - student_nodes
    expected = (left * before / mass * node_difference[:, :-1]).sum(-1)
    expected = expected + (right * after / mass * node_difference[:, 1:]).sum(-1)
    weighted = edges * (teacher_edges - student_edges)
    expected = expected + ((left @ weighted) * (right / mass)).sum(-1)
    *_, student_log_mass = _masses(student_nodes, student_edges)
    return expected - log_mass + student_log_mass


def _by_cells(
    student_nodes: Tensor, student_edges: Tensor, teacher_nodes: Tensor, teacher_edges: Tensor
) -> Tensor:
    """The same in log space, table by table: for forbidden transitions and far-apart scores."""
    tables = []
    for step in range(1, student_nodes.shape[1]):
        cells = []
        for nodes, edges in ((teacher_nodes, teacher_edges), (student_nodes, student_edges)):
            table = nodes[:, step - 1].unsqueeze(2) + edges + nodes[:, step].unsqueeze(1)
            cells.append(table.flatten(1))
        tables.append(local_kl(*cells))
    return torch.stack(tables, 1)
