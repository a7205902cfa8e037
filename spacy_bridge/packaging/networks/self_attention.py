"""Builds AllenNLP's encoder `pytorch_transformer`: layers of `torch.nn.TransformerEncoderLayer`."""

import math
from typing import Tuple

import numpy

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.activations import activate
from spacy_bridge.packaging.networks.batch_layout import BatchLayout
from spacy_bridge.packaging.networks.graph import Graph

LOWEST = -1e9
"""Added to the scores of padding."""
EPSILON = 1e-5
"""The epsilon of torch's layer normalization."""
POSITIONS = (None, "sinusoidal", "embedding")
ACTIVATIONS = ("relu", "gelu")
MAX_TIMESCALE = 1.0e4


def self_attention(
    graph: Graph, value: str, layout: BatchLayout, options: Options, weights: Weights
) -> Tuple[str, int]:
    """Builds the encoder `pytorch_transformer`, whose layers normalize after each residual sum.

    # Parameters

    value : `str`
        Of shape (words, size).
    layout : `BatchLayout`

    # Returns

    `Tuple[str, int]`
        The outputs (words, size), and the size.
    """
    size = options.take("input_dim")
    depth = options.take("num_layers")
    inner = options.take("feedforward_hidden_dim", 2048)
    heads = options.take("num_attention_heads", 8)
    positions = options.take("positional_encoding", None)
    options.ignore("positional_embedding_size", "dropout_prob")
    activation = options.take("activation", "relu")
    options.finish()
    for name, found, allowed in (
        ("positional_encoding", positions, POSITIONS),
        ("activation", activation, ACTIVATIONS),
    ):
        if found not in allowed:
            raise UnsupportedError(
                f"{options.where}.{name} is {found!r}, which cannot be packaged; supported: "
                f"{', '.join(map(str, allowed))}"
            )
    # Shape: (batch, length, size)
    value = layout.pad(graph, value)
    length = graph.add("Squeeze", [graph.size(value, 1), graph.integers(0)])
    bounds = [graph.constant(bound, "int64") for bound in (0, 1)]
    # Shape: (length,)
    place = graph.add("Range", [bounds[0], length, bounds[1]])
    if positions == "embedding":
        table = weights["_positional_embedding.weight"]
        rows = graph.add("Gather", [graph.constant(table), place], axis=0)
        value = graph.add("Add", [value, rows])
    elif positions == "sinusoidal":
        value = graph.add("Add", [value, _sinusoids(graph, place, size)])
    counts = graph.add("Unsqueeze", [graph.add("Cast", [layout.lengths], to=7), graph.integers(1)])
    real = graph.add("Less", [place, counts])
    choices = [graph.constant(choice, "float32") for choice in (0.0, LOWEST)]
    # Shape: (batch, 1, 1, length)
    penalties = graph.add("Unsqueeze", [graph.add("Where", [real, *choices]), graph.integers(1, 2)])
    for layer in range(depth):
        part = weights.below(f"_transformer.layers.{layer}")
        attended = _attention(graph, value, penalties, heads, size, part.below("self_attn"))
        value = _norm(graph, graph.add("Add", [value, attended]), part.below("norm1"))
        hidden = graph.linear(
            value, part.shaped("linear1.weight", (inner, size)), part["linear1.bias"]
        )
        hidden = activate(graph, hidden, activation)
        hidden = graph.linear(
            hidden, part.shaped("linear2.weight", (size, inner)), part["linear2.bias"]
        )
        value = _norm(graph, graph.add("Add", [value, hidden]), part.below("norm2"))
    return layout.pack(graph, value, size), size


def _sinusoids(graph: Graph, place: str, size: int) -> str:
    """Returns `allennlp.nn.util.add_positional_features` of shape (length, size)."""
    scales = size // 2
    step = math.log(MAX_TIMESCALE) / (scales - 1)
    inverse = numpy.exp(numpy.arange(scales, dtype=numpy.float32) * numpy.float32(-step))
    time = graph.add("Unsqueeze", [graph.add("Cast", [place], to=1), graph.integers(1)])
    scaled = graph.add("Mul", [time, graph.constant(inverse[None], "float32")])
    parts = [graph.add("Sin", [scaled]), graph.add("Cos", [scaled])]
    if size % 2:
        zero = graph.constant(0.0, "float32")
        parts.append(graph.add("Mul", [graph.add("Cast", [place], to=1), zero]))
        parts[2] = graph.add("Unsqueeze", [parts[2], graph.integers(1)])
    return graph.add("Concat", parts, axis=1)


def _attention(
    graph: Graph, value: str, penalties: str, heads: int, size: int, weights: Weights
) -> str:
    """Builds `torch.nn.MultiheadAttention` of a sequence with itself."""
    projected = graph.linear(
        value,
        weights.shaped("in_proj_weight", (3 * size, size)),
        weights.shaped("in_proj_bias", (3 * size,)),
    )
    ways = [graph.fresh("way") for _ in range(3)]
    graph.add("Split", [projected, graph.integers(size, size, size)], outputs=ways, axis=2)
    # Shape: (batch, heads, length, size of a head); for the keys the last two are swapped
    queries, keys, values = (
        graph.transpose(graph.reshape(way, 0, 0, heads, size // heads), *order)
        for way, order in zip(ways, ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)))
    )
    queries = graph.add("Mul", [queries, graph.constant((size // heads) ** -0.5, "float32")])
    scores = graph.add("Add", [graph.add("MatMul", [queries, keys]), penalties])
    mixed = graph.add("MatMul", [graph.add("Softmax", [scores], axis=-1), values])
    joined = graph.reshape(graph.transpose(mixed, 0, 2, 1, 3), 0, 0, size)
    return graph.linear(
        joined, weights.shaped("out_proj.weight", (size, size)), weights["out_proj.bias"]
    )


def _norm(graph: Graph, value: str, weights: Weights) -> str:
    inputs = [value, graph.constant(weights["weight"]), graph.constant(weights["bias"])]
    return graph.add("LayerNormalization", inputs, axis=-1, epsilon=EPSILON)
