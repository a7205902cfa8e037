"""KL divergence between the local distributions over a chain's sub-structures."""

from typing import Callable

import torch
from torch import Tensor

from allennlp_kd.objectives.chain.edge_divergence import EdgeDivergence
from allennlp_kd.objectives.chain.folded_nodes import check_tags_exist, folded_nodes
from allennlp_kd.objectives.chain.scores import scores_of
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.log_probabilities import divergence, log_normalized
from allennlp_kd.structs.numerics.pairs import compares

# A table's largest cell is at least exp(-spread of the transitions) times the product of the
# largest factors, so below this spread nothing relevant underflows in float32 (exp(-87)).
MAX_SPREAD = 60.0


@compares
def edge_predictions(student: ChainPotentials, teacher: ChainPotentials) -> Tensor:
    """Sum over positions i >= 2 of KL(P_T || P_S) over the tags^2 cells (y[i-1], y[i]); shape `(batch,)`.

    Each P is the softmax of a cell table e[i-1, y'] + t[y', y] + e[i, y]; start joins the first word's
    emissions, end the last's. A sentence of one word has one table, of its tags. With a = exp(e[i-1]),
    b = exp(e[i]) and M = exp(t), a table's mass is a M b and its node marginals are a * (M b) and
    b * (a M), so no table is ever made: O(length * tags^2) in matrix products.

    Infinite where the student forbids what has a probability under the teacher.

    # Raises

    ValueError
        If the teacher forbids all cells of a table.
    """
    if student.mask.shape[1] == 0:
        return student.emissions.sum((1, 2))
    narrow = (
        _spread(teacher.transitions) <= MAX_SPREAD and _spread(student.transitions) <= MAX_SPREAD
    )
    if not narrow:
        return _by_cells(student, teacher)
    losses: Tensor = EdgeDivergence.apply(*scores_of(student), scores_of(teacher), student.mask)
    # NaN if one side forbids all cells of a table, or if a score is NaN.
    return _by_cells(student, teacher) if bool(losses.detach().isnan().any()) else losses


def _spread(transitions: Tensor) -> Tensor:
    return transitions.max() - transitions.min()


def local_kl(teacher: Tensor, student: Tensor, check: Callable[[], None]) -> Tensor:
    """KL of the softmaxes over the last dimension.

    `check` is called where all that a table scores is forbidden on a side, and is to refuse it where
    the side is the teacher.
    """
    losses = divergence(torch.log_softmax(teacher, -1), torch.log_softmax(student, -1))
    if not bool(losses.detach().isnan().any()):
        return losses
    check()
    return divergence(log_normalized(teacher), log_normalized(student))


def _by_cells(student: ChainPotentials, teacher: ChainPotentials) -> Tensor:
    """Computes the same in log space, one table at a time, for forbidden transitions and distant
    scores.
    """
    student, teacher = in_full_precision(student), in_full_precision(teacher)
    mask, nodes = student.mask, (folded_nodes(teacher), folded_nodes(student))
    check_tags_exist(nodes[0], mask)
    alone = mask[:, 0] & (student.lengths == 1)
    losses = local_kl(nodes[0][:, 0], nodes[1][:, 0], lambda: None).masked_fill(~alone, 0.0)
    for step in range(1, mask.shape[1]):
        tables = [
            (side[:, step - 1].unsqueeze(2) + edges + side[:, step].unsqueeze(1)).flatten(1)
            for side, edges in zip(nodes, (teacher.transitions, student.transitions))
        ]

        def check(step: int = step, table: Tensor = tables[0]) -> None:
            nothing = torch.isneginf(table).all(1) & mask[:, step]
            if bool(nothing.any()):
                raise ValueError(
                    f"the teacher forbids all pairs of tags for words {step} and {step + 1} of "
                    f"sentence {int(nothing.nonzero()[0])} of the batch"
                )

        losses = losses + local_kl(tables[0], tables[1], check).masked_fill(~mask[:, step], 0.0)
    return losses
