"""KL divergence between the local distributions over a tree's sub-structures."""

from torch import Tensor

from allennlp_kd.objectives.tree.label_divergence import LabelDivergence
from allennlp_kd.structs.tree import TreePotentials, log_head_probabilities
from allennlp_kd.structs.tree.blocks import over_label_scores
from allennlp_kd.structs.tree.local import divergence


def arc_predictions(
    student: TreePotentials, teacher: TreePotentials, temperature: float = 1.0
) -> Tensor:
    """Sum over words of KL(P_T || P_S) over the heads that a word can have; shape `(batch,)`.

    Each P is a softmax over a word's arcs. The word itself and padding are no heads.
    """
    teacher, student = teacher.without_labels(), student.without_labels()
    per_word = divergence(
        log_head_probabilities(teacher.tempered(temperature)),
        log_head_probabilities(student.tempered(temperature)),
    )
    return per_word.sum(dim=1)


def label_predictions(
    student: TreePotentials, teacher: TreePotentials, temperature: float = 1.0
) -> Tensor:
    """Sum over arcs of P_T(arc) KL(P_T || P_S) over the arc's labels; shape `(batch,)`.

    P_T(arc) is the teacher's probability of this head for the word. Thus `arc_predictions` and
    this add up to the divergence between both models' distributions over all assignments of heads
    and labels, because these are products over the words:

        KL(P_T(h, l) || P_S(h, l)) = KL(P_T(h) || P_S(h)) + sum_h P_T(h) KL(P_T(l | h) || P_S(l |
        h)).
    """
    arcs = teacher.without_labels().tempered(temperature)
    # Shape: (batch, length, length + 1)
    weights = log_head_probabilities(arcs).exp()

    def of_labels(student_scores: Tensor, teacher_scores: Tensor) -> Tensor:
        if temperature != 1:
            student_scores = student_scores / temperature
            teacher_scores = teacher_scores / temperature
        return LabelDivergence.apply(student_scores, teacher_scores)

    per_arc = over_label_scores(of_labels, student, teacher)
    # What stands in cells which are no arc means nothing.
    return (weights * per_arc.masked_fill(~teacher.arc_mask, 0)).sum(dim=(1, 2))
