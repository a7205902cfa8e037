"""The logarithm of the sum over all tag sequences."""
from dataclasses import replace
from typing import Any, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.layout import Layout
from allennlp_kd.structs.chain.log_messages import LogMessages
from allennlp_kd.structs.chain.messages import Messages
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.chain.scaled_messages import ScaledMessages, scaling_period


def log_partition(potentials: ChainPotentials) -> Tensor:
    """log Z: the logarithm of the sum of exp(score) over all tag sequences of each sentence.

    Lafferty, McCallum and Pereira, "Conditional random fields" (2001). The batch's scores decide how it is
    computed: as scaled matrix products where the transitions spread little (`scaling_period` has the bound),
    in log space otherwise. The gradient is the explicit backward recursion (the marginals), not autograd's tape
    over all positions; it can itself be differentiated.

    # Parameters

    potentials : `ChainPotentials`
        Half precision is raised to single first, also under autocast.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for an empty sentence, -inf where every sequence is forbidden.
    """
    potentials = in_full_precision(potentials)
    with torch.autocast(potentials.emissions.device.type, enabled=False):
        return _LogPartition.apply(
            potentials.emissions,
            potentials.transitions,
            potentials.start,
            potentials.end,
            Layout(potentials.lengths, potentials.mask.shape[1]),
        )


def in_full_precision(potentials: ChainPotentials) -> ChainPotentials:
    """The same scores, all of one type, float32 at the least."""
    scores = (potentials.emissions, potentials.transitions, potentials.start, potentials.end)
    dtype = torch.float32
    for score in scores:
        dtype = torch.promote_types(dtype, score.dtype)
    if all(score.dtype == dtype for score in scores):
        return potentials
    emissions, transitions, start, end = (score.to(dtype) for score in scores)
    return replace(potentials, emissions=emissions, transitions=transitions, start=start, end=end)


def messages_of(
    words: Tensor, transitions: Tensor, layout: Layout, precise_logarithms: bool = False
) -> Messages:
    """The messages in the space that the scores call for, see `scaling_period`.

    # Parameters

    words : `Tensor`
        Shape `(N, tags)`, from `Layout.fold`; at least one.
    transitions : `Tensor`
        Shape `(tags, tags)`.
    layout : `Layout`
    precise_logarithms : `bool`, optional (default = `False`)
        Whether the logarithms of marginals are wanted, however small.
    """
    taped = torch.is_grad_enabled() and (words.requires_grad or transitions.requires_grad)
    period = scaling_period(words, transitions, precise_logarithms, margin=0.5 if taped else 1.0)
    if period:
        return ScaledMessages(words, transitions, layout, period)
    return LogMessages(words, transitions, layout)


class _LogPartition(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, emissions: Tensor, transitions: Tensor, start: Tensor, end: Tensor, layout: Layout
    ) -> Tensor:
        ctx.layout = layout
        if not layout.sizes:
            return emissions.new_zeros(layout.batch_size)
        ctx.save_for_backward(emissions, transitions, start, end)
        with torch.no_grad():
            ctx.messages = messages_of(layout.fold(emissions, start, end), transitions, layout)
        return ctx.messages.log_partition

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], ...]:
        if not ctx.layout.sizes:
            return None, None, None, None, None
        with torch.autocast(gradient.device.type, enabled=False):
            if torch.is_grad_enabled():
                return (*_differentiable_backward(ctx, gradient), None)
            return (*_explicit_backward(ctx, gradient), None)


def _explicit_backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], ...]:
    """The gradient of log Z: the expected number of times that each score is used."""
    layout, messages = ctx.layout, ctx.messages
    weights = gradient[layout.rows]
    first = layout.num_sentences
    nodes = messages.nodes() * weights.unsqueeze(1)
    for_emissions, for_transitions, for_start, for_end = ctx.needs_input_grad[:4]
    return (
        layout.unpack(nodes) if for_emissions else None,
        messages.edge_counts(weights[first:]) if for_transitions else None,
        nodes[:first].sum(dim=0) if for_start else None,
        nodes[layout.last].sum(dim=0) if for_end else None,
    )


def _differentiable_backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], ...]:
    """The same, written down by autograd, for gradients of gradients."""
    scores = ctx.saved_tensors
    emissions, transitions, start, end = scores
    words = ctx.layout.fold(emissions, start, end)
    value = messages_of(words, transitions, ctx.layout).log_partition
    wanted = [score for score, needed in zip(scores, ctx.needs_input_grad) if needed]
    found = iter(torch.autograd.grad(value, wanted, gradient, create_graph=True))
    return tuple(next(found) if needed else None for needed in ctx.needs_input_grad[:4])
