"""Scores that can be compared by their difference."""

from typing import Dict, Union

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.finite import not_finite
from allennlp_kd.structs.tree import TreePotentials


def check_finite_scores(losses: Tensor, teacher: Union[ChainPotentials, TreePotentials]) -> None:
    """Says so where it is a score of the teacher that leaves `losses` no number.

    # Parameters

    losses : `Tensor`
        Shape `(batch,)`. Where all are finite, the scores are not looked at.
    teacher : `ChainPotentials` or `TreePotentials`

    # Raises

    ValueError
        If a loss is infinite or NaN, and a score of the teacher is. Of labels in factors, which only
        make scores, none is looked at.
    """
    if bool(torch.isfinite(losses.detach()).all()):
        return
    found = not_finite(_scores(teacher))
    if found is not None:
        name, wrong = found
        raise ValueError(
            "match 'scores' compares scores that are finite, but the teacher has "
            f"{wrong} in its {name}; match 'predictions' takes what is forbidden"
        )


def _scores(teacher: Union[ChainPotentials, TreePotentials]) -> Dict[str, Tensor]:
    """What is no padding."""
    if isinstance(teacher, TreePotentials):
        scores = {"arcs": teacher.arcs[teacher.arc_mask]}
        if isinstance(teacher.labels, Tensor):
            scores["labels"] = teacher.labels[teacher.arc_mask]
        return scores
    return {
        "emissions": teacher.emissions[teacher.mask],
        "transitions": teacher.transitions,
        "start": teacher.start,
        "end": teacher.end,
    }
