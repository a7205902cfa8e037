"""The logarithm of the sum over all tag sequences."""

import torch
from torch import Tensor

from allennlp_kd.structs.chain.layout import Layout
from allennlp_kd.structs.chain.likelihood import NegativeLogLikelihood
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision


def log_partition(potentials: ChainPotentials) -> Tensor:
    """log Z: the logarithm of the sum of exp(score) over all tag sequences of each sentence.

    Lafferty, McCallum and Pereira, "Conditional random fields" (2001). The batch's scores decide
    how it is computed: as scaled matrix products where the transitions spread little
    (`switch.scaling_period` has the bound), in log space otherwise. The gradient is the explicit
    backward recursion (the marginals); it can itself be differentiated.

    # Parameters

    potentials : `ChainPotentials`
        Half precision is raised to single first, also under autocast.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for an empty sentence, -inf where every sequence is forbidden.
    """
    p = in_full_precision(potentials)
    layout = Layout(p.lengths, p.mask.shape[1])
    with torch.autocast(p.emissions.device.type, enabled=False):
        return NegativeLogLikelihood.apply(p.emissions, p.transitions, p.start, p.end, layout, None)
