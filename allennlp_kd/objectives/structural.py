"""The `structural` objective: cross-entropy between distributions over whole structures."""

from typing import Any

from overrides import overrides
from torch import Tensor

from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.tempered_objective import TemperedObjective
from allennlp_kd.structs import chain, tree
from allennlp_kd.structs.numerics.pairs import check_alike


@Objective.register("structural")
class Structural(TemperedObjective):
    """The cross-entropy of the student's distribution over structures, relative to the teacher's.

    It factorizes over the sub-structures u (Wang et al., "Structural knowledge distillation: tractably
    distilling information for structured predictor", 2021): with the teacher's marginals p_T(u),

        H(p_T, p_S) = log Z_S - sum_u p_T(u) * score_S(u).

    The scores of both models are divided by the temperature before forward-backward (chains) or the
    matrix-tree theorem (trees with one word on ROOT), so both are distributions at any temperature.
    The minimum of the loss is the teacher's entropy (Gibbs), reached if both distributions are the
    same. Nothing is clamped. The gradient is that of the KL divergence.

    # Parameters

    temperature : `float`, optional (default = `1.0`)
        Divides the scores of both sides.
    scale_by_temperature_squared : `bool`, optional (default = `True`)
        Whether the loss is multiplied by the squared temperature.
    """

    @overrides
    def _loss(self, student: Any, teacher: Any) -> Tensor:
        check_alike(student, teacher)
        cross_entropy = (
            chain.cross_entropy
            if isinstance(student, chain.ChainPotentials)
            else tree.cross_entropy
        )
        return cross_entropy(teacher, student)
