"""The log-partition function, the score and the negative log-likelihood of tag sequences."""

from typing import Any, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.forward_backward.layout import Layout
from allennlp_kd.structs.chain.forward_backward.select_algorithm import messages_of
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.execution import exact

INFINITY = float("inf")


@exact
def log_partition(potentials: ChainPotentials) -> Tensor:
    """The log-partition function log Z: the log-sum-exp of the scores of all tag sequences.

    Lafferty, McCallum and Pereira, "Conditional random fields" (2001). The batch's scores decide
    how it is computed: as scaled matrix products where the transitions spread little
    (`select_algorithm.scaling_period` has the bound), in log space otherwise. The gradient is the explicit
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
    found: Tensor = NegativeLogLikelihood.apply(
        p.emissions, p.transitions, p.start, p.end, layout, None
    )
    return found


@exact
def score(potentials: ChainPotentials, tags: Tensor) -> Tensor:
    """The score of one tag sequence of each sentence.

    # Parameters

    potentials : `ChainPotentials`
    tags : `Tensor`
        Shape `(batch, length)`, integers below the number of tags. Padded cells may hold anything.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for an empty sentence.

    # Raises

    ValueError
        If `tags` has another shape than the mask, is not of integers, or holds no tag at a
        word.
    """
    p = in_full_precision(potentials)
    layout = Layout(p.lengths, p.mask.shape[1])
    packed = _words_tags(tags, p, layout)
    if not layout.sizes:
        return p.emissions.new_zeros(p.batch_size)
    words = layout.fold(p.emissions, p.start, p.end)
    return sequence_scores(words, p.transitions, layout, packed)


@exact
def nll(potentials: ChainPotentials, tags: Tensor) -> Tensor:
    """The negative log-likelihood of one tag sequence of each sentence: log Z - score.

    As `log_partition`, with the score's gradient taken together with that of log Z.

    # Parameters

    potentials : `ChainPotentials`
    tags : `Tensor`
        Shape `(batch, length)`, as for `score`.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for an empty sentence, inf where the sequence is forbidden.

    # Raises

    ValueError
        As `score`.
    """
    p = in_full_precision(potentials)
    layout = Layout(p.lengths, p.mask.shape[1])
    packed = _words_tags(tags, p, layout)
    found: Tensor = NegativeLogLikelihood.apply(
        p.emissions, p.transitions, p.start, p.end, layout, packed
    )
    return found


def _words_tags(tags: Tensor, potentials: ChainPotentials, layout: Layout) -> Tensor:
    """Returns the words' tags, shape `(N,)`, after checking them."""
    expected = tuple(potentials.mask.shape)
    if tuple(tags.shape) != expected:
        raise ValueError(
            f"tags must have the shape {expected} of the mask, found {tuple(tags.shape)}"
        )
    if tags.is_floating_point() or tags.dtype == torch.bool:
        raise ValueError(f"tags must be integers, found {tags.dtype}")
    packed = layout.pack(tags).long()
    if layout.sizes:
        lowest, highest = torch.aminmax(packed)
        if int(lowest) < 0 or int(highest) >= potentials.num_tags:
            wrong = (packed < 0) | (packed >= potentials.num_tags)
            row, position = divmod(int(layout.cells[wrong].min()), layout.length)
            raise ValueError(
                f"tags must be in [0, {potentials.num_tags}), "
                f"found {int(tags[row, position])} at word {position} of row {row}"
            )
    return packed


class NegativeLogLikelihood(torch.autograd.Function):
    """log Z of each sentence, minus the score of its tags if there are any.

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
        # If every sequence is forbidden, the difference would be -inf - -inf.
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
    """Returns the score of the words' tags, shape `(N,)`, for each sentence, shape `(batch,)`."""
    at_words = words.gather(1, tags.unsqueeze(1)).squeeze(1)
    at_edges = transitions.reshape(-1).gather(0, _pairs(layout, tags, transitions.shape[0]))
    return layout.sum_words(at_words) + layout.sum_edges(at_edges)


def _pairs(layout: Layout, tags: Tensor, num_tags: int) -> Tensor:
    """Returns the index of each edge in the flattened transitions, shape `(N - S,)`."""
    return tags.index_select(0, layout.previous) * num_tags + tags[layout.num_sentences :]


def _explicit_backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], ...]:
    """Computes the gradients: the expected count of each score minus its count in the tags."""
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
    """Computes the same with autograd, for second derivatives."""
    scores = ctx.saved_tensors
    emissions, transitions, start, end = scores
    words = ctx.layout.fold(emissions, start, end)
    value = messages_of(words, transitions, ctx.layout).log_partition
    if ctx.tags is not None:
        value = value - sequence_scores(words, transitions, ctx.layout, ctx.tags)
    wanted = [score for score, needed in zip(scores, ctx.needs_input_grad) if needed]
    found = iter(torch.autograd.grad(value, wanted, gradient, create_graph=True))
    return tuple(next(found) if needed else None for needed in ctx.needs_input_grad[:4])
