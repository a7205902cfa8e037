"""The `token` objective: KL divergence for each word separately."""

from typing import Any

from overrides import overrides
from torch import Tensor

from allennlp_kd.objectives.chain.folded_nodes import check_tags_exist, folded_nodes
from allennlp_kd.objectives.chain.predictions import local_kl
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.tempered_objective import TemperedObjective
from allennlp_kd.objectives.tree.predictions import arc_predictions, label_predictions
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.pairs import compares
from allennlp_kd.structs.tree import TreePotentials


@Objective.register("token")
class Token(TemperedObjective):
    """KL divergence between the distributions of each word (Hinton et al. 2015).

        T^2 * sum_i KL(softmax(teacher[i] / T) || softmax(student[i] / T))

    For a chain, the distribution of a word is the softmax of its emissions only: transitions, start
    and end scores are not matched and get no gradient. For trees, it is the distribution over the
    heads of a word and, if both models have labels, over the labels of each arc, weighted by the
    teacher's probability of the arc. This is the divergence over pairs of head and label, and for
    trees it equals `substructured` with `predictions`.

    # Parameters

    temperature : `float`, optional (default = `1.0`)
        Divides the scores of both sides.
    scale_by_temperature_squared : `bool`, optional (default = `True`)
        Whether the loss is multiplied by T^2.
    """

    takes_parts = True

    @overrides
    def _loss(self, student: Any, teacher: Any) -> Tensor:
        if isinstance(student, ChainPotentials):
            return word_predictions(student, teacher)
        return head_and_label_predictions(student, teacher)


@compares
def word_predictions(student: ChainPotentials, teacher: ChainPotentials) -> Tensor:
    """Sum over words of KL(P_T || P_S) with P the softmax of the emissions; shape `(batch,)`.

    # Raises

    ValueError
        If the teacher's emissions forbid all tags of a word.
    """
    of_student, of_teacher = (
        folded_nodes(in_full_precision(side), ends=False) for side in (student, teacher)
    )
    losses = local_kl(of_teacher, of_student, lambda: check_tags_exist(of_teacher, teacher.mask))
    return losses.masked_fill(~student.mask, 0.0).sum(1)


@compares
def head_and_label_predictions(student: TreePotentials, teacher: TreePotentials) -> Tensor:
    """Sum over words of KL(P_T || P_S) over heads, and labels if both have them; `(batch,)`."""
    arcs = arc_predictions(student, teacher)
    if student.labels is None or teacher.labels is None:
        return arcs
    return arcs + label_predictions(student, teacher)
