"""Random chains, for stock's CRF and for ours, with the same scores."""

from copy import deepcopy
from typing import List, NamedTuple

import torch
from allennlp.modules.conditional_random_field import ConditionalRandomField
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials

SPREAD = 3.0
"""The standard deviation of the emissions: that of a tagger trained for an epoch or so."""


class Chain(NamedTuple):
    """A batch of sentences with scores and gold tags.

    # Parameters

    emissions : `Tensor`
        Shape `(batch, length, tags)`.
    mask : `Tensor`
        Shape `(batch, length)`.
    tags : `Tensor`
        Shape `(batch, length)`.
    crf : `ConditionalRandomField`
        Stock's, whose transitions are the chain's.
    """

    emissions: Tensor
    mask: Tensor
    tags: Tensor
    crf: ConditionalRandomField

    def potentials(self) -> ChainPotentials:
        """With stock's parameters, so that both sides' backward passes fill the same gradients."""
        return ChainPotentials(
            self.emissions,
            self.mask,
            self.crf.transitions,
            self.crf.start_transitions,
            self.crf.end_transitions,
        )

    def to(self, device: torch.device) -> "Chain":
        """A copy on a device, whose gradients are its own."""
        return Chain(
            self.emissions.detach().to(device, copy=True).requires_grad_(),
            self.mask.to(device),
            self.tags.to(device),
            deepcopy(self.crf).to(device),
        )

    def zero_grad(self) -> None:
        """So that a backward pass allocates its gradients, as in a training step."""
        for tensor in (self.emissions, *self.crf.parameters()):
            tensor.grad = None


def random_chain(
    lengths: List[int],
    num_tags: int,
    generator: torch.Generator,
    spread: float = SPREAD,
    transition_spread: float = 1.0,
) -> Chain:
    """A batch of sentences of these lengths; the spreads are standard deviations."""
    crf = ConditionalRandomField(num_tags)
    with torch.no_grad():
        for parameter in crf.parameters():
            if parameter.requires_grad:
                scores = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(transition_spread * scores)
    longest = max(lengths)
    mask = torch.arange(longest).unsqueeze(0) < torch.tensor(lengths).unsqueeze(1)
    emissions = spread * torch.randn(len(lengths), longest, num_tags, generator=generator)
    tags = torch.randint(num_tags, mask.shape, generator=generator)
    return Chain(emissions.requires_grad_(), mask, tags, crf)
