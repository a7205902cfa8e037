"""log Z, with or without a sequence's score taken from it, and its gradient."""

from typing import Any, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.layout import Layout
from allennlp_kd.structs.chain.switch import messages_of

INFINITY = float("inf")


class NegativeLogLikelihood(torch.autograd.Function):
    """log Z of each sentence, minus the score of its tags if any are given.

    The gradient is the explicit backward recursion (expected minus observed counts), not autograd's
    tape over all positions. It can be differentiated again: autograd then writes the tape after
    all.
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        transitions: Tensor,
        start: Tensor,
        end: Tensor,
        layout: Layout,
        tags: Optional[Tensor],
    ) -> Tensor:
        """
        # Parameters

        emissions, transitions, start, end : `Tensor`
            As in `ChainPotentials`, of one type.
        layout : `Layout`
        tags : `Tensor`, optional
            Shape `(N,)`, the words' tags.

        # Returns

        `Tensor`
            Shape `(batch,)`.
        """
        ctx.layout, ctx.tags = layout, tags
        if not layout.sizes:
            return emissions.new_zeros(layout.batch_size)
        ctx.save_for_backward(emissions, transitions, start, end)
        words = layout.fold(emissions, start, end)
        ctx.messages = messages_of(words, transitions, layout)
        value = ctx.messages.log_partition
        if tags is None:
            return value
        # Where every sequence is forbidden the difference would be -inf - -inf.
        return value.masked_fill(value == -INFINITY, 0.0) - sequence_scores(
            words, transitions, layout, tags
        )

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], ...]:
        if not ctx.layout.sizes:
            return (None,) * 6
        with torch.autocast(gradient.device.type, enabled=False):
            if torch.is_grad_enabled():
                return (*_differentiable_backward(ctx, gradient), None, None)
            return (*_explicit_backward(ctx, gradient), None, None)


def sequence_scores(words: Tensor, transitions: Tensor, layout: Layout, tags: Tensor) -> Tensor:
    """What the words' tags, shape `(N,)`, score in each sentence, shape `(batch,)`."""
    at_words = words.gather(1, tags.unsqueeze(1)).squeeze(1)
    at_edges = transitions.reshape(-1).gather(0, _pairs(layout, tags, transitions.shape[0]))
    return layout.sum_words(at_words) + layout.sum_edges(at_edges)


def _pairs(layout: Layout, tags: Tensor, num_tags: int) -> Tensor:
    """Shape `(N - S,)`: each edge's place in the flattened transitions."""
    return tags.index_select(0, layout.previous) * num_tags + tags[layout.num_sentences :]


def _explicit_backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], ...]:
    """How often each score is expected to be used, minus how often the tags use it."""
    layout, messages, tags = ctx.layout, ctx.messages, ctx.tags
    for_emissions, for_transitions, for_start, for_end = ctx.needs_input_grad[:4]
    first = layout.num_sentences
    weights = gradient.index_select(0, layout.rows)
    nodes = messages.nodes() * weights.unsqueeze(1)
    if tags is not None:
        nodes.scatter_add_(1, tags.unsqueeze(1), -weights.unsqueeze(1))
    edges = None
    if for_transitions:
        edges = messages.edge_counts(weights[first:])
        if tags is not None:
            pairs = _pairs(layout, tags, edges.shape[0])
            edges.view(-1).scatter_add_(0, pairs, -weights[first:])
    return (
        layout.unpack(nodes) if for_emissions else None,
        edges,
        nodes[:first].sum(dim=0) if for_start else None,
        nodes.index_select(0, layout.last).sum(dim=0) if for_end else None,
    )


def _differentiable_backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], ...]:
    """The same, written down by autograd, for gradients of gradients."""
    scores = ctx.saved_tensors
    emissions, transitions, start, end = scores
    words = ctx.layout.fold(emissions, start, end)
    value = messages_of(words, transitions, ctx.layout).log_partition
    if ctx.tags is not None:
        value = value - sequence_scores(words, transitions, ctx.layout, ctx.tags)
    wanted = [score for score, needed in zip(scores, ctx.needs_input_grad) if needed]
    found = iter(torch.autograd.grad(value, wanted, gradient, create_graph=True))
    return tuple(next(found) if needed else None for needed in ctx.needs_input_grad[:4])
