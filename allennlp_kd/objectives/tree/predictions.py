"""KL divergence between the local distributions over a tree's sub-structures."""

from torch import Tensor

from allennlp_kd.objectives.tree.arcs import check_heads_exist, weighted_sum_of_arcs
from allennlp_kd.objectives.tree.label_divergence import LabelDivergence
from allennlp_kd.structs.numerics.log_probabilities import divergence
from allennlp_kd.structs.numerics.pairs import compares
from allennlp_kd.structs.tree import TreePotentials, log_head_probabilities
from allennlp_kd.structs.tree.blocks import over_label_scores


@compares
def arc_predictions(
    student: TreePotentials, teacher: TreePotentials, temperature: float = 1.0
) -> Tensor:
    """Sum over words of KL(P_T || P_S) over the possible heads of a word; shape `(batch,)`.

    Each P is a softmax over a word's arcs. The word itself and padding are not heads. Infinite where
    the student forbids a head that has a probability under the teacher.

    # Raises

    ValueError
        If the teacher forbids all heads of a word.
    """
    teacher, student = teacher.without_labels(), student.without_labels()
    log_p = log_head_probabilities(teacher.tempered(temperature))
    check_heads_exist(log_p, teacher.mask)
    return divergence(log_p, log_head_probabilities(student.tempered(temperature))).sum(dim=1)


@compares
def label_predictions(
    student: TreePotentials, teacher: TreePotentials, temperature: float = 1.0
) -> Tensor:
    """Sum over arcs of P_T(arc) KL(P_T || P_S) over the arc's labels; shape `(batch,)`.

    P_T(arc) is the teacher's probability of this head for the word. Thus `arc_predictions` and
    this add up to the divergence between both models' distributions over all assignments of heads
    and labels, because these are products over the words:

        KL(P_T(h, l) || P_S(h, l)) = KL(P_T(h) || P_S(h)) + sum_h P_T(h) KL(P_T(l | h) || P_S(l |
        h)).

    # Raises

    ValueError
        If the teacher forbids all labels of an arc that it does not forbid, or all heads of a word.
    """
    arcs = teacher.without_labels().tempered(temperature)
    # Shape: (batch, length, length + 1)
    log_weights = log_head_probabilities(arcs)
    check_heads_exist(log_weights, teacher.mask)

    def of_labels(student_scores: Tensor, teacher_scores: Tensor) -> Tensor:
        if temperature != 1:
            student_scores = student_scores / temperature
            teacher_scores = teacher_scores / temperature
        return LabelDivergence.apply(student_scores, teacher_scores)

    per_arc = over_label_scores(of_labels, student, teacher)
    return weighted_sum_of_arcs(log_weights.exp(), per_arc)
