"""Builds the sequence encoders and feed-forward networks that can be packaged."""

from typing import Dict, Mapping, Tuple

import numpy

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.activations import activate, activation_name
from spacy_bridge.packaging.networks.batch_layout import BatchLayout
from spacy_bridge.packaging.networks.convolutions import dilated_convolutions
from spacy_bridge.packaging.networks.graph import Graph
from spacy_bridge.packaging.networks.recurrent import stacked_bidirectional, torch_recurrent
from spacy_bridge.packaging.networks.self_attention import self_attention

SUPPORTED = (
    "lstm",
    "gru",
    "stacked_bidirectional_lstm",
    "dilated_convolutions",
    "pytorch_transformer",
    "feedforward",
    "pass_through",
    "compose",
)


def encode(
    graph: Graph, value: str, layout: BatchLayout, options: Options, weights: Weights
) -> Tuple[str, int]:
    """Builds a `Seq2SeqEncoder` over words.

    # Parameters

    value : `str`
        Of shape (words, size): the words of all sentences, one after another.
    layout : `BatchLayout`

    # Returns

    `Tuple[str, int]`
        The outputs (words, size), and the size.

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
    if kind == "compose":
        parts = options.take("encoders")
        options.finish()
        size = 0
        for number, part in enumerate(parts):
            inner = Options(part, f"{options.where}.encoders[{number}]")
            value, size = encode(graph, value, layout, inner, weights.below(f"encoder{number}"))
        return value, size
    if kind == "pytorch_transformer":
        return self_attention(graph, value, layout, options, weights)
    if kind == "feedforward":
        inner = options.part("feedforward")
        options.finish()
        return feed_forward(graph, value, inner, weights.below("_feedforward"))
    if kind == "dilated_convolutions":
        return dilated_convolutions(graph, value, layout, options, weights)
    value, lengths = graph.transpose(layout.pad(graph, value), 1, 0, 2), layout.lengths
    weights = weights.below("_module")
    if kind == "stacked_bidirectional_lstm":
        value, size = stacked_bidirectional(graph, value, lengths, options, weights)
    else:
        value, _, size = torch_recurrent(graph, value, lengths, kind.upper(), options, weights)
    return layout.pack(graph, graph.transpose(value, 1, 0, 2), size), size


def feed_forwards(
    graph: Graph, value: str, networks: Mapping[str, Tuple[Options, Weights]]
) -> Dict[str, str]:
    """Builds several of AllenNLP's `FeedForward` networks over one value.

    The first layers of all are one matrix product.

    # Returns

    `Dict[str, str]`
        The outputs, by the names of the networks.
    """
    layers = {
        name: _FeedForwardLayers(options, weights) for name, (options, weights) in networks.items()
    }
    parts = [network.weights(0) for network in layers.values()]
    joined = graph.linear(value, *(numpy.concatenate(blocks) for blocks in zip(*parts)))
    values = graph.split(joined, *(network.sizes[0] for network in layers.values()))
    return {
        name: network.after_first(graph, first)
        for (name, network), first in zip(layers.items(), values)
    }


def feed_forward(graph: Graph, value: str, options: Options, weights: Weights) -> Tuple[str, int]:
    """Builds AllenNLP's `FeedForward`.

    # Returns

    `Tuple[str, int]`
        The outputs and their size.
    """
    layers = _FeedForwardLayers(options, weights)
    first = graph.linear(value, *layers.weights(0))
    return layers.after_first(graph, first), layers.sizes[-1]


class _FeedForwardLayers:
    """The layers of a `FeedForward`."""

    def __init__(self, options: Options, weights: Weights) -> None:
        options.ignore("type", "dropout")
        self._given = options.take("input_dim")
        layers = options.take("num_layers")
        hidden = options.take("hidden_dims")
        activations = options.take("activations")
        options.finish()
        self.sizes = hidden if isinstance(hidden, list) else [hidden] * layers
        activations = activations if isinstance(activations, list) else [activations] * layers
        where = f"{options.where}.activations"
        self._activations = [activation_name(activation, where) for activation in activations]
        self._weights = weights

    def weights(self, layer: int) -> Tuple[numpy.ndarray, numpy.ndarray]:
        """Returns the matrix (out, in) and the bias of a layer."""
        part = self._weights.below(f"_linear_layers.{layer}")
        size = self.sizes[layer]
        shape = (size, self.sizes[layer - 1] if layer else self._given)
        return part.shaped("weight", shape), part.shaped("bias", (size,))

    def after_first(self, graph: Graph, value: str) -> str:
        """Returns the output, given the product of the first layer."""
        value = activate(graph, value, self._activations[0])
        for layer in range(1, len(self.sizes)):
            value = graph.linear(value, *self.weights(layer))
            value = activate(graph, value, self._activations[layer])
        return value
