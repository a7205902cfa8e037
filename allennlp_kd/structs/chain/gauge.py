"""The canonical form of chain potentials, in which equal distributions have equal scores."""

from dataclasses import replace

import torch

from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.execution import exact
from allennlp_kd.structs.numerics.finite import check_centrable
from allennlp_kd.structs.numerics.log_probabilities import NOTHING


@exact
def canonical(potentials: ChainPotentials) -> ChainPotentials:
    """Returns the canonical potentials of the same distribution, so that equal distributions have
    equal scores.

    The transitions are split into mean, row part, column part and a remainder whose rows and
    columns have the mean 0:

        t[k, j] = m + r[k] + c[j] + remainder[k, j].

    r goes into the emissions of all words but the last, c into those of all but the first, start
    and end into those of the first and the last word; then each word's emissions are centered over
    the tags. A sentence's scores move by one constant. Linear: the form of a sum is the sum of the
    forms. Differentiable.

    # Parameters

    potentials : `ChainPotentials`
        Finite, except that tags may be forbidden (-inf in emissions, start or end). They stay so, and
        the others of the word are centered.

    # Returns

    `ChainPotentials`
        With 0 for start and end, and in padding.

    # Raises

    ValueError
        If another score that counts is not finite: transitions that are forbidden cannot be
        centered.
    """
    potentials = in_full_precision(potentials)
    mask, transitions = potentials.mask, potentials.transitions
    start, end = potentials.start, potentials.end
    # Padding is filled first, because it may contain any value.
    nodes = potentials.emissions.masked_fill(~mask.unsqueeze(2), 0)
    check_centrable(
        {
            "emissions": nodes.masked_fill(nodes == NOTHING, 0),
            "transitions": transitions,
            "start": start.masked_fill(start == NOTHING, 0),
            "end": end.masked_fill(end == NOTHING, 0),
        }
    )
    mean, rows, columns = transitions.mean(), transitions.mean(1), transitions.mean(0)
    later = torch.nn.functional.pad(mask[:, 1:], (1, 0)).unsqueeze(2)
    followed = torch.nn.functional.pad(mask[:, 1:], (0, 1)).unsqueeze(2)
    words = mask.unsqueeze(2)
    zero = nodes.new_zeros(())
    nodes = nodes + later * columns + followed * rows
    nodes = nodes + torch.where(words & ~later, start, zero)
    nodes = nodes + torch.where(words & ~followed, end, zero)
    allowed = nodes != NOTHING
    means = nodes.masked_fill(~allowed, 0).sum(2, keepdim=True)
    means = means / allowed.sum(2, keepdim=True).clamp(min=1)
    nodes = (nodes - means).masked_fill(~words, 0)
    return replace(
        potentials,
        emissions=nodes,
        transitions=transitions - rows.unsqueeze(1) - columns + mean,
        start=torch.zeros_like(start),
        end=torch.zeros_like(end),
    )
