"""Handles scores that are not finite: excludes forbidden parts, refuses NaN and inf."""

from typing import Callable, Dict, Union

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.numerics.finite import not_finite
from allennlp_kd.structs.numerics.log_probabilities import NOTHING
from allennlp_kd.structs.tree import TreePotentials
from allennlp_kd.structs.tree.blocks import over_label_scores


def unless_forbidden(
    losses: Tensor,
    teacher: Union[ChainPotentials, TreePotentials],
    over_allowed: Callable[[], Tensor],
) -> Tensor:
    """Returns `losses`; where forbidden parts (-inf) make them non-finite, the losses over the
    allowed parts.

    # Parameters

    losses : `Tensor`
        Shape `(batch,)`. Where all are finite, the scores are not looked at.
    teacher : `ChainPotentials` or `TreePotentials`
    over_allowed : `Callable[[], Tensor]`
        Gives the losses over what the teacher does not forbid.

    # Raises

    ValueError
        If a score of the teacher is NaN or inf.
    """
    if are_finite(losses):
        return losses
    check_scores(teacher)
    return over_allowed()


def are_finite(losses: Tensor) -> bool:
    """Whether all values are finite."""
    return bool(torch.isfinite(losses.detach()).all())


def check_scores(teacher: Union[ChainPotentials, TreePotentials]) -> None:
    """
    # Raises

    ValueError
        If a score that counts is NaN or inf.
    """
    scores = _scores(teacher)
    found = not_finite({name: part[part != NOTHING] for name, part in scores.items()})
    if found is not None:
        name, wrong = found
        raise ValueError(
            f"the teacher has {wrong} in its {name}: a score must be a number, or -inf for a "
            "forbidden part"
        )


def _scores(potentials: Union[ChainPotentials, TreePotentials]) -> Dict[str, Tensor]:
    """Returns the scores outside padding."""
    if isinstance(potentials, TreePotentials):
        scores = {"arcs": potentials.arcs[potentials.arc_mask]}
        if potentials.labels is not None:
            # The sum for each arc is not finite if any of its scores is not.
            sums = over_label_scores(_sum_of_numbers, potentials)
            scores["labels"] = sums[potentials.arc_mask]
        return scores
    return {
        "emissions": potentials.emissions[potentials.mask],
        "transitions": potentials.transitions,
        "start": potentials.start,
        "end": potentials.end,
    }


def _sum_of_numbers(scores: Tensor) -> Tensor:
    return scores.detach().masked_fill(scores == NOTHING, 0.0).sum(-1)
