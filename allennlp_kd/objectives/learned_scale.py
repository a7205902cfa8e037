"""A learned scaling factor for the student's scores."""

from dataclasses import replace
from typing import Union

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.tree import FactoredLabels, TreePotentials


class LearnedScale(Module):
    """Multiplies all scores by one factor a > 0; its logarithm is learned and starts at 0.

    With s the student's scores and t the teacher's, a * s and t are compared, so that the student may
    hold the teacher's distribution at another sharpness. The factor is the student's: one of the
    teacher's, s - a * t, would let the loss vanish with a and s, whatever t is. This one by itself
    cannot bring it to 0: as a vanishes, the loss becomes that of a student all of whose scores are
    0; and
    of squares it is at least

        |t|^2 - <s, t>^2 / |s|^2,

    which is 0 only where s is a multiple of t. The scale is learned as its logarithm, which keeps it
    above 0 (Radford et al., "CLIP", 2021, so learn theirs) and starts at 0.
    """

    def __init__(self) -> None:
        super().__init__()
        # It has a dimension, so that half-precision scores are promoted to its type.
        self.logarithm = Parameter(torch.zeros(1))

    def forward(
        self, student: Union[ChainPotentials, TreePotentials]
    ) -> Union[ChainPotentials, TreePotentials]:
        """Returns the potentials multiplied by the factor."""
        factor = self.logarithm.exp()
        # Padding may contain any value, and the factor's gradient is a sum over all cells.
        if isinstance(student, ChainPotentials):
            return replace(
                student,
                emissions=student.emissions.masked_fill(~student.mask.unsqueeze(2), 0.0) * factor,
                transitions=student.transitions * factor,
                start=student.start * factor,
                end=student.end * factor,
            )
        arcs = student.arcs.masked_fill(~student.arc_mask, 0.0) * factor
        if student.labels is None:
            return replace(student, arcs=arcs)
        return replace(student, arcs=arcs, labels=_multiplied(student.label_parts, factor))


def _multiplied(
    labels: Union[Tensor, FactoredLabels], factor: Tensor
) -> Union[Tensor, FactoredLabels]:
    if isinstance(labels, FactoredLabels):
        return replace(labels, weight=labels.weight * factor, bias=labels.bias * factor)
    return labels * factor
