"""The number type that the recursions work in."""

from dataclasses import replace

import torch

from allennlp_kd.structs.chain.potentials import ChainPotentials


def in_full_precision(potentials: ChainPotentials) -> ChainPotentials:
    """The same scores, all of one type, float32 at the least."""
    scores = (potentials.emissions, potentials.transitions, potentials.start, potentials.end)
    dtype = torch.float32
    for score in scores:
        if score.dtype != dtype:
            dtype = torch.promote_types(dtype, score.dtype)
    if all(score.dtype == dtype for score in scores):
        return potentials
    emissions, transitions, start, end = (score.to(dtype) for score in scores)
    return replace(potentials, emissions=emissions, transitions=transitions, start=start, end=end)
