"""The `marginal` objective: KL divergence between posterior marginals."""

from typing import Any, Optional

import torch
from allennlp.common.checks import ConfigurationError
from overrides import overrides
from torch import Tensor

from allennlp_kd.objectives.chain.folded_nodes import check_tags_exist
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.tempered_objective import TemperedObjective
from allennlp_kd.objectives.tree.arcs import check_heads_exist, weighted_sum_of_arcs
from allennlp_kd.objectives.tree.label_divergence import LabelDivergence
from allennlp_kd.structs.chain import ChainPotentials, log_edge_marginals, log_node_marginals
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.log_probabilities import divergence, log_normalized
from allennlp_kd.structs.numerics.pairs import compares
from allennlp_kd.structs.tree import TreePotentials, log_arc_marginals
from allennlp_kd.structs.tree.blocks import over_label_scores

STRUCTURE_OF = {"nodes": "chain", "edges": "chain", "arcs": "tree"}


@Objective.register("marginal")
class Marginal(TemperedObjective):
    """KL divergence between the posterior marginals of both models.

        T^2 * sum_i KL(p_T(part_i) || p_S(part_i))

    A marginal is the sum of the probabilities of all structures with the part, at temperature T:
    scores are divided by T before forward-backward (chains) or the matrix-tree theorem (trees with
    one word on ROOT). Logarithms are accurate even for tiny marginals. For chains they are computed
    in log space; for trees they are differences of two log-sums if float64 does not resolve the
    marginal. For chains, nodes are the tags of each word (`word-level posterior`, Wang et al.,
    "Structure-level knowledge distillation for multilingual sequence labeling", 2020), and edges
    are the tag pairs of adjacent words; a sentence of one word uses its node. For trees, arcs are
    the heads of each word; if both models have labels, they are labeled arcs with probability
    p(arc) * p(label | arc).

    # Parameters

    parts : `str`, optional
        `nodes` (the default for chains), `edges`, or, for trees, `arcs`.
    temperature : `float`, optional (default = `1.0`)
        Divides the scores of both sides.
    scale_by_temperature_squared : `bool`, optional (default = `True`)
        Whether the loss is multiplied by T^2.

    # Raises

    ConfigurationError
        If parts has none of its values.
    """

    def __init__(
        self,
        parts: Optional[str] = None,
        temperature: float = 1.0,
        scale_by_temperature_squared: bool = True,
    ) -> None:
        super().__init__(temperature, scale_by_temperature_squared)
        if parts is not None:
            if parts not in STRUCTURE_OF:
                raise ConfigurationError(
                    f"parts must be one of {', '.join(STRUCTURE_OF)}, found '{parts}'"
                )
            self.structures = frozenset({STRUCTURE_OF[parts]})
        self._parts = parts

    @overrides
    def _loss(self, student: Any, teacher: Any) -> Tensor:
        if isinstance(student, TreePotentials):
            return arc_marginals(student, teacher)
        return (edge_marginals if self._parts == "edges" else node_marginals)(student, teacher)


@compares
def node_marginals(student: ChainPotentials, teacher: ChainPotentials) -> Tensor:
    """Sum over words of KL(p_T(y_i) || p_S(y_i)); shape `(batch,)`."""
    with torch.no_grad():
        log_p = log_node_marginals(teacher)
        check_tags_exist(log_p, teacher.mask)
    return divergence(log_p, log_node_marginals(student)).sum(1)


@compares
def edge_marginals(student: ChainPotentials, teacher: ChainPotentials) -> Tensor:
    """Sum over i >= 2 of KL(p_T(y_{i-1}, y_i) || p_S(y_{i-1}, y_i)); shape `(batch,)`.

    A sentence of one word has its KL(p_T(y_1) || p_S(y_1)), which no sum is needed for.
    """
    student, teacher = in_full_precision(student), in_full_precision(teacher)
    padding = ~student.mask.unsqueeze(-1)
    with torch.no_grad():
        log_p = log_edge_marginals(teacher)
        # If any sequence is possible, one is possible for the first edge.
        check_tags_exist(log_p[:, :1].flatten(2), student.mask[:, 1:2])
    losses = divergence(log_p.flatten(2), log_edge_marginals(student).flatten(2)).sum(1)
    if student.mask.shape[1] == 0:
        return losses
    alone = student.lengths == 1
    log_p, log_q = (
        log_normalized(side.emissions.masked_fill(padding, 0.0)[:, 0] + side.start + side.end)
        for side in (teacher, student)
    )
    check_tags_exist(log_p.unsqueeze(1), alone.unsqueeze(1))
    return losses + divergence(log_p, log_q).masked_fill(~alone, 0.0)


@compares
def arc_marginals(student: TreePotentials, teacher: TreePotentials) -> Tensor:
    """Sum over words of KL(p_T || p_S) over arcs, with labels if both models have them; `(batch,)`.

    By the chain rule the labels of an arc count as much as it is probable:

        KL(p_T(h, l) || p_S(h, l)) = KL(p_T(h) || p_S(h)) + sum_h p_T(h) KL(p_T(l | h) || p_S(l | h)).
    """
    labelled = student.labels is not None and teacher.labels is not None
    per_arc = over_label_scores(LabelDivergence.apply, student, teacher) if labelled else None
    with torch.no_grad():
        # A small probability need not be exact unless it makes the loss infinite.
        decisive = torch.isneginf(student.arc_scores)
        if per_arc is not None:
            decisive |= ~torch.isfinite(per_arc)
        log_p = log_arc_marginals(teacher, relevance=decisive.double())
        check_heads_exist(log_p, teacher.mask)
    log_q = log_arc_marginals(student, relevance=log_p.double().exp())
    losses = divergence(log_p, log_q).sum(1)
    if per_arc is None:
        return losses
    return losses + weighted_sum_of_arcs(log_p.exp(), per_arc)
