"""The network of a dependency parser."""

from typing import Any, Dict, Optional, Tuple

import numpy

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.student_archive import StudentArchive
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.encoders import encode, feed_forward
from spacy_bridge.packaging.networks.graph import Graph
from spacy_bridge.runtime.tree_decoding import DECODERS


def parser_network(
    archive: StudentArchive, size: int, decoder: Optional[str] = None
) -> Tuple[bytes, Dict[str, Any], Dict[str, numpy.ndarray]]:
    """The graph, settings and further weights of a `biaffine_parser` or `biaffine_parser_student`.

    # Parameters

    archive : `StudentArchive`
    size : `int`
        Of the inputs.
    decoder : `str`, optional
        `exact` or `stock`; the archive's own if it is `None`.

    # Returns

    `Tuple[bytes, Dict[str, Any], Dict[str, numpy.ndarray]]`
        The graph goes from `words` (batch, length, size) and `lengths` (batch,) of type int32 to what
        `ArcScores` holds, the labels and the size of `dependents` in one dimension.
    """
    if archive.reader.get("tokenizer") is not None:
        raise UnsupportedError("dataset_reader.tokenizer splits words, which cannot be packaged")
    options = Options(archive.model, "model")
    student = options.take("type") != "biaffine_parser"
    options.ignore("text_field_embedder", "dropout", "input_dropout", "initializer", "regularizer")
    options.refuse("pos_tag_embedding", None)
    searches = options.take("use_mst_decoding_for_validation", True)
    own = options.take("decoder", "exact") if student else "stock"
    arc_size = options.take("arc_representation_dim")
    tag_size = options.take("tag_representation_dim")
    arc_options = options.take("arc_feedforward", None)
    tag_options = options.take("tag_feedforward", None)
    encoder = options.part("encoder")
    options.finish()
    decoder = decoder or (own if searches else None)
    if decoder not in DECODERS:
        raise UnsupportedError(
            "the archive decodes each word's head on its own, which need not give a tree: choose a "
            f"decoder, one of {', '.join(DECODERS)}"
            if decoder is None
            else f"the decoder must be one of {', '.join(DECODERS)}, found {decoder!r}"
        )
    labels = archive.labels("head_tags")
    weights = Weights(archive.weights)

    graph = Graph()
    value = graph.input("words", "float", ["batch", "length", size])
    lengths = graph.input("lengths", "int32", ["batch"])
    value, size = encode(graph, value, lengths, encoder, weights.below("encoder"))
    value = _with_root(graph, value, weights.shaped("_head_sentinel", (1, 1, size)))
    sides = {}
    for kind, config, width in (("arc", arc_options, arc_size), ("tag", tag_options, tag_size)):
        config = config or {
            "input_dim": size,
            "num_layers": 1,
            "hidden_dims": width,
            "activations": "elu",
        }
        for side in ("head", "child"):
            name = f"{side}_{kind}_feedforward"
            part = Options(config, f"model.{kind}_feedforward")
            sides[side, kind], _ = feed_forward(graph, value, part, weights.below(name))
    _arcs(
        graph, sides["head", "arc"], sides["child", "arc"], arc_size, weights.below("arc_attention")
    )
    graph.output(sides["head", "tag"], "heads", ["batch", "nodes", tag_size])
    bilinear = weights.below("tag_bilinear")
    # Shape: (labels, head, child) -> (labels * head, child)
    table = bilinear.shaped("weight", (len(labels), tag_size, tag_size)).reshape(-1, tag_size)
    dependents = graph.linear(sides["child", "tag"], table)
    graph.output(dependents, "dependents", ["batch", "nodes", len(labels) * tag_size])
    settings = {"kind": "parser", "labels": labels, "decoder": decoder}
    return graph.finish(), settings, {"label_bias": bilinear["bias"]}


def _with_root(graph: Graph, value: str, sentinel: numpy.ndarray) -> str:
    """The words after ROOT: shape (batch, 1 + length, size)."""
    shape = graph.add(
        "Concat",
        [graph.size(value, 0), graph.integers(1), graph.integers(sentinel.shape[2])],
        axis=0,
    )
    root = graph.add("Expand", [graph.constant(sentinel), shape])
    return graph.add("Concat", [root, value], axis=1)


def _arcs(graph: Graph, heads: str, children: str, size: int, weights: Weights) -> None:
    """Stock's attention between "head" and "child" is read as [dependent, head]; so are these scores.

    With a 1 behind each vector, a bias for each side and one for both stand in the matrix's last row
    and column.
    """
    matrix = weights.shaped("_weight_matrix", (size + 1, size + 1))
    corner = matrix[size, size] + weights["_bias"]
    both = graph.add(
        "MatMul",
        [graph.linear(heads, matrix[:size, :size].T, matrix[size, :size]),
         graph.transpose(children, 0, 2, 1)],
    )  # fmt: skip
    # Shape: (batch, nodes, 1)
    one = graph.linear(heads, matrix[:size, size:].T, corner.reshape(1))
    graph.output(graph.add("Add", [both, one]), "arcs", ["batch", "nodes", "nodes"])
