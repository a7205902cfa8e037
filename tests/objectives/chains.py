"""Random chains, and the exponential-time twins of the objectives over them."""

from itertools import product
from typing import Sequence

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials


def random_chains(
    lengths: Sequence[int], tags: int, seed: int, scale: float = 1.0, padding: int = 0
):
    """Float64 potentials, NaN in padded cells."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64) * scale

    words = max(lengths)
    mask = torch.arange(words + padding) < torch.tensor(lengths).unsqueeze(1)
    emissions = torch.full((len(lengths), words + padding, tags), float("nan"), dtype=torch.float64)
    emissions[:, :words] = normal(len(lengths), words, tags)
    emissions[~mask] = float("nan")
    return ChainPotentials(emissions, mask, normal(tags, tags), normal(tags), normal(tags))


def sequence_scores(chains: ChainPotentials, row: int) -> Tensor:
    """The scores of all tag sequences of a sentence, shape `(tags ** words,)`."""
    words = int(chains.lengths[row])
    scores = []
    for tags in product(range(chains.num_tags), repeat=words):
        score = chains.emissions.new_zeros(())
        for place, tag in enumerate(tags):
            score = score + chains.emissions[row, place, tag]
            if place:
                score = score + chains.transitions[tags[place - 1], tag]
        if words:
            score = score + chains.start[tags[0]] + chains.end[tags[-1]]
        scores.append(score)
    return torch.stack(scores)


def part_table(chains: ChainPotentials, row: int, place: int, both: bool) -> Tensor:
    """The scores of a word's parts: of shape `(tags,)` at the first, `(tags, tags)` at each later word.

    `both` adds the emissions of the word before.
    """
    words = int(chains.lengths[row])

    def node(at: int) -> Tensor:
        score = chains.emissions[row, at]
        score = score + chains.start if at == 0 else score
        return score + chains.end if at == words - 1 else score

    if place == 0:
        return node(0)
    table = chains.transitions + node(place)
    return table + node(place - 1).unsqueeze(1) if both else table


def enumerated_raw(student: ChainPotentials, teacher: ChainPotentials, row: int) -> Tensor:
    total = student.emissions.new_zeros(())
    for place in range(int(student.lengths[row])):
        tables = [part_table(side, row, place, both=False) for side in (student, teacher)]
        total = total + (tables[0] - tables[1]).square().mean()
    return total


def enumerated_predictions(student: ChainPotentials, teacher: ChainPotentials, row: int) -> Tensor:
    words = int(student.lengths[row])
    total = student.emissions.new_zeros(())
    for place in [0] if words == 1 else range(1, words):
        tables = [part_table(side, row, place, both=True).flatten() for side in (teacher, student)]
        p, q = (torch.log_softmax(table, 0) for table in tables)
        total = total + (p.exp() * (p - q)).sum()
    return total
