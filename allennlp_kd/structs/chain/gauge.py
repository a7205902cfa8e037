"""One form for all potentials that define the same distribution over tag sequences."""

from dataclasses import replace

import torch

from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.finite import check_centrable


def canonical(potentials: ChainPotentials) -> ChainPotentials:
    """The same distribution in the one form in which equal distributions have equal scores.

    The transitions are split into mean, row part, column part and a remainder whose rows and
    columns have the mean 0:

        t[k, j] = m + r[k] + c[j] + remainder[k, j].

    r goes into the emissions of all words but the last, c into those of all but the first, start
    and end into those of the first and the last word; then each word's emissions are centred over
    the tags. A sentence's scores move by one constant. Linear: the form of a sum is the sum of the
    forms. Differentiable.

    # Parameters

    potentials : `ChainPotentials`
        Finite.

    # Returns

    `ChainPotentials`
        With 0 for start and end, and in padding.

    # Raises

    ValueError
        If a score that counts is not finite: what is forbidden cannot be centred.
    """
    mask, transitions = potentials.mask, potentials.transitions
    start, end = potentials.start, potentials.end
    assert start is not None and end is not None  # zeros where they were not given
    # Padding is filled before it is computed with: what stands there may be anything.
    nodes = potentials.emissions.masked_fill(~mask.unsqueeze(2), 0)
    check_centrable({"emissions": nodes, "transitions": transitions, "start": start, "end": end})
    mean, rows, columns = transitions.mean(), transitions.mean(1), transitions.mean(0)
    later = torch.nn.functional.pad(mask[:, 1:], (1, 0)).unsqueeze(2)
    followed = torch.nn.functional.pad(mask[:, 1:], (0, 1)).unsqueeze(2)
    words = mask.unsqueeze(2)
    nodes = nodes + later * columns + followed * rows
    nodes = nodes + (words & ~later) * start + (words & ~followed) * end
    nodes = (nodes - nodes.mean(2, keepdim=True)).masked_fill(~words, 0)
    return replace(
        potentials,
        emissions=nodes,
        transitions=transitions - rows.unsqueeze(1) - columns + mean,
        start=torch.zeros_like(start),
        end=torch.zeros_like(end),
    )
