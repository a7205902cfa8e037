"""Converts chain potentials to at least float32."""

from dataclasses import replace

from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.numerics.execution import at_least_single


def in_full_precision(potentials: ChainPotentials) -> ChainPotentials:
    """Returns the same scores in one type, at least float32."""
    scores = (potentials.emissions, potentials.transitions, potentials.start, potentials.end)
    dtype = at_least_single(*(score.dtype for score in scores))
    if all(score.dtype == dtype for score in scores):
        return potentials
    emissions, transitions, start, end = (score.to(dtype) for score in scores)
    return replace(potentials, emissions=emissions, transitions=transitions, start=start, end=end)
