"""Raises chain potentials to float32 at least."""

from dataclasses import replace

from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.numerics.execution import at_least_single


def in_full_precision(potentials: ChainPotentials) -> ChainPotentials:
    """The same scores, all of one type, float32 at the least."""
    scores = (potentials.emissions, potentials.transitions, potentials.start, potentials.end)
    dtype = at_least_single(*(score.dtype for score in scores))
    if all(score.dtype == dtype for score in scores):
        return potentials
    emissions, transitions, start, end = (score.to(dtype) for score in scores)
    return replace(potentials, emissions=emissions, transitions=transitions, start=start, end=end)
