"""Log marginals of a chain's nodes and edges."""

from dataclasses import replace

import torch
from torch import Tensor

from allennlp_kd.structs.chain.forward_backward.layout import Layout
from allennlp_kd.structs.chain.forward_backward.messages import Messages
from allennlp_kd.structs.chain.forward_backward.select_algorithm import messages_of
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.execution import exact


@exact
def log_node_marginals(potentials: ChainPotentials) -> Tensor:
    """log p(y_i = j), the sum over all sequences with tag j at word i.

    In log space, or precise enough to be taken there (`select_algorithm.scaling_period`), so never -inf for a
    tag that is only improbable. Differentiable.

    # Parameters

    potentials : `ChainPotentials`

    # Returns

    `Tensor`
        Shape `(batch, length, tags)`; -inf in padding and where every sequence is forbidden.
    """
    potentials = in_full_precision(potentials)
    layout = Layout(potentials.lengths, potentials.mask.shape[1])
    if not layout.sizes:
        return torch.full_like(potentials.emissions, -float("inf"))
    messages = precise_messages(potentials, layout)
    return layout.unpack(messages.log_nodes(), fill=-float("inf"))


def with_marginals(potentials: ChainPotentials) -> ChainPotentials:
    """Adds the node marginals to the potentials, without gradients; 0 in padding."""
    with torch.no_grad():
        return replace(potentials, marginals=log_node_marginals(potentials).exp())


@exact
def log_edge_marginals(potentials: ChainPotentials) -> Tensor:
    """log p(y_i = k, y_{i+1} = j), the sum over all sequences with tags k, j at words i, i + 1.

    Precise and differentiable as `log_node_marginals`.

    # Parameters

    potentials : `ChainPotentials`

    # Returns

    `Tensor`
        Shape `(batch, length - 1, tags, tags)`, indexed `[sentence, i, k, j]`; -inf in padding and
        where every sequence is forbidden. The length is 0 where that of the batch is.
    """
    potentials = in_full_precision(potentials)
    batch, length, tags = potentials.emissions.shape
    layout = Layout(potentials.lengths, length)
    if len(layout.sizes) < 2:
        shape = (batch, max(length - 1, 0), tags, tags)
        return potentials.emissions.new_full(shape, -float("inf"))
    edges = precise_messages(potentials, layout).log_edges()
    # Each edge is one position before the word that ends it.
    flat = edges.new_full((batch * length, tags, tags), -float("inf"))
    flat = flat.index_copy(0, layout.cells[layout.num_sentences :] - 1, edges)
    return flat.view(batch, length, tags, tags)[:, :-1]


def precise_messages(potentials: ChainPotentials, layout: Layout) -> Messages:
    """Returns messages that are precise enough for logarithms of marginals, for at least one word."""
    words = layout.fold(potentials.emissions, potentials.start, potentials.end)
    return messages_of(words, potentials.transitions, layout, precise_logarithms=True)
