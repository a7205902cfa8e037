"""The sequence encoders and feed-forward networks that can be packaged."""

from typing import Tuple

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.activations import activate, activation_name
from spacy_bridge.packaging.networks.graph import Graph
from spacy_bridge.packaging.networks.recurrent import stacked_bidirectional, torch_recurrent

SUPPORTED = ("lstm", "gru", "stacked_bidirectional_lstm", "feedforward", "pass_through")


def encode(
    graph: Graph, value: str, lengths: str, options: Options, weights: Weights
) -> Tuple[str, int]:
    """A `Seq2SeqEncoder` over words.

    # Parameters

    value : `str`
        Of shape (batch, length, size).
    lengths : `str`
        Of shape (batch,), int32.

    # Returns

    `Tuple[str, int]`
        The outputs (batch, length, size), anything in padding; and the size.

    # Raises

    UnsupportedError
        If the encoder, or an option of it, cannot be packaged.
    """
    kind = options.take("type")
    if kind not in SUPPORTED:
        raise UnsupportedError(
            f"{options.where} is of type {kind!r}, which cannot be packaged; supported: "
            f"{', '.join(SUPPORTED)}"
        )
    if kind == "pass_through":
        size = options.take("input_dim")
        options.finish()
        return value, size
    if kind == "feedforward":
        inner = options.part("feedforward")
        options.finish()
        return feed_forward(graph, value, inner, weights.below("_feedforward"))
    value = graph.transpose(value, 1, 0, 2)
    weights = weights.below("_module")
    if kind == "stacked_bidirectional_lstm":
        value, size = stacked_bidirectional(graph, value, lengths, options, weights)
    else:
        value, _, size = torch_recurrent(graph, value, lengths, kind.upper(), options, weights)
    return graph.transpose(value, 1, 0, 2), size


def feed_forward(graph: Graph, value: str, options: Options, weights: Weights) -> Tuple[str, int]:
    """AllenNLP's `FeedForward`.

    # Returns

    `Tuple[str, int]`
        The outputs and their size.
    """
    options.ignore("type", "dropout")
    size = options.take("input_dim")
    layers = options.take("num_layers")
    hidden = options.take("hidden_dims")
    activations = options.take("activations")
    options.finish()
    hidden = hidden if isinstance(hidden, list) else [hidden] * layers
    activations = activations if isinstance(activations, list) else [activations] * layers
    for layer in range(layers):
        part = weights.below(f"_linear_layers.{layer}")
        value = graph.linear(
            value,
            part.shaped("weight", (hidden[layer], size)),
            part.shaped("bias", (hidden[layer],)),
        )
        name = activation_name(activations[layer], f"{options.where}.activations")
        value = activate(graph, value, name)
        size = hidden[layer]
    return value, size
