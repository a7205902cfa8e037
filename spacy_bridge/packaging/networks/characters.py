"""Character networks of words."""

from typing import NamedTuple, Optional, Tuple

import numpy

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.activations import activate, activation_name
from spacy_bridge.packaging.networks.graph import Graph
from spacy_bridge.packaging.networks.recurrent import torch_recurrent

SUPPORTED = ("cnn", "lstm", "gru")
LOWEST = numpy.finfo(numpy.float32).min


class CharacterNetwork(NamedTuple):
    """The network of an embedder `character_encoding`.

    # Parameters

    graph : `bytes`
        From `characters` (words, characters) of type int64 and `lengths` (words,) of type int32 to
        vectors (words, size).
    size : `int`
    fewest : `int`
        The least number of characters that a word must be padded to.
    overlap : `int`, optional
        The vector of a word is the maximum of those of its parts, where these share this many characters.
        `None` if it is not: then parts say nothing of the whole.
    """

    graph: bytes
    size: int
    fewest: int
    overlap: Optional[int]


def character_network(options: Options, weights: Weights) -> CharacterNetwork:
    """Reads an embedder `character_encoding`."""
    options.ignore("dropout")
    embedding, encoder = options.part("embedding"), options.part("encoder")
    options.finish()
    graph = Graph()
    characters = graph.input("characters", "int64", ["words", "characters"])
    lengths = graph.input("lengths", "int32", ["words"])
    # Shape: (words, characters, size)
    value = graph.add(
        "Gather",
        [
            graph.constant(embedding_weight(embedding, weights.below("_embedding._module"))),
            characters,
        ],
        axis=0,
    )
    weights = weights.below("_encoder._module")
    kind = encoder.take("type")
    fewest, overlap = 1, None
    if kind == "cnn":
        # A projection after the maximum differs from the maximum of projections.
        whole = encoder.has("output_dim")
        value, size, fewest = _cnn(graph, value, lengths, encoder, weights)
        overlap = None if whole else fewest - 1
    elif kind in SUPPORTED:
        value = graph.transpose(value, 1, 0, 2)
        _, value, size = torch_recurrent(
            graph, value, lengths, kind.upper(), encoder, weights.below("_module")
        )
    else:
        raise UnsupportedError(
            f"{encoder.where} is of type {kind!r}, which cannot be packaged; supported: "
            f"{', '.join(SUPPORTED)}"
        )
    graph.output(value, "vectors", ["words", size])
    return CharacterNetwork(graph.finish(), size, fewest, overlap)


def embedding_weight(options: Options, weights: Weights) -> numpy.ndarray:
    """Returns the table of an AllenNLP `Embedding` with its projection applied."""
    options.ignore(
        "type",
        "embedding_dim",
        "num_embeddings",
        "trainable",
        "sparse",
        "scale_grad_by_freq",
        "norm_type",
        "padding_index",
        "vocab_namespace",
        "pretrained_file",
    )
    options.refuse("max_norm", None)
    projected = options.take("projection_dim", None)
    options.finish()
    table = weights["weight"]
    if projected:
        table = table @ weights["_projection.weight"].T + weights["_projection.bias"]
    return numpy.ascontiguousarray(table, numpy.float32)


def _cnn(
    graph: Graph, value: str, lengths: str, options: Options, weights: Weights
) -> Tuple[str, int, int]:
    """AllenNLP's `CnnEncoder`: no filter sees padding, and a filter that is longer than a word
    gives 0.
    """
    size = options.take("embedding_dim")
    filters = options.take("num_filters")
    widths = options.take("ngram_filter_sizes", (2, 3, 4, 5))
    name = activation_name(
        options.take("conv_layer_activation", "relu"), f"{options.where}.conv_layer_activation"
    )
    output = options.take("output_dim", None)
    options.finish()
    # Shape: (words, size, characters)
    value = graph.transpose(value, 0, 2, 1)
    # Shape: (words, 1)
    counts = graph.add("Unsqueeze", [graph.add("Cast", [lengths], to=7), graph.integers(1)])
    lowest = graph.constant(LOWEST, "float32")
    pooled = []
    for layer, width in enumerate(widths):
        part = weights.below(f"conv_layer_{layer}")
        scores = graph.add(
            "Conv",
            [
                value,
                graph.constant(part.shaped("weight", (filters, size, width))),
                graph.constant(part["bias"]),
            ],
            kernel_shape=[width],
        )
        scores = activate(graph, scores, name)
        # Shape: (places,), the positions of the filter
        places = graph.add(
            "Range",
            [
                graph.constant(0, "int64"),
                graph.add("Squeeze", [graph.size(scores, 2), graph.integers(0)]),
                graph.constant(1, "int64"),
            ],
        )
        # Shape: (words, places)
        fits = graph.add("Less", [places, graph.add("Sub", [counts, graph.integers(width - 1)])])
        fits = graph.add("Unsqueeze", [fits, graph.integers(1)])
        best = graph.add(
            "ReduceMax", [graph.add("Where", [fits, scores, lowest])], axes=[2], keepdims=0
        )
        nowhere = graph.add("Equal", [best, lowest])
        pooled.append(graph.add("Where", [nowhere, graph.constant(0.0, "float32"), best]))
    result = graph.add("Concat", pooled, axis=1)
    total = filters * len(widths)
    if output:
        part = weights.below("projection_layer")
        result = graph.linear(result, part.shaped("weight", (output, total)), part["bias"])
        total = output
    return result, total, max(widths)
