"""Builds the network of a dependency parser."""

from typing import Any, Dict, Optional, Tuple

import numpy

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.student_archive import StudentArchive
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.batch_layout import BatchLayout
from spacy_bridge.packaging.networks.encoders import encode, feed_forwards
from spacy_bridge.packaging.networks.graph import Graph
from spacy_bridge.runtime.decoding.tree_decoding import DECODERS
from spacy_bridge.runtime.packaged_parser import LABEL_NETWORK
from spacy_bridge.runtime.packaged_student import NETWORK


def parser_network(
    archive: StudentArchive, size: int, decoder: Optional[str] = None
) -> Tuple[Dict[str, bytes], Dict[str, Any], Dict[str, numpy.ndarray]]:
    """Returns the graphs, settings and further weights of a `biaffine_parser` or
    `biaffine_parser_student`.

    # Parameters

    archive : `StudentArchive`
    size : `int`
        Of the inputs, tags included.
    decoder : `str`, optional
        `exact` or `stock`; the archive's own if it is `None`.

    # Returns

    `Tuple[Dict[str, bytes], Dict[str, Any], Dict[str, numpy.ndarray]]`
        The graphs by their files' names. The first goes from `words` (words, size) and the inputs of
        `BatchLayout` to `arcs` (batch, length, nodes), indexed [dependent, head] with ROOT as head 0,
        and to `heads` and `dependents` (words + 1, size), the last row of which is ROOT's. The second
        one scores the labels of arcs, from rows of `dependents` (arcs, size) and `heads` (arcs or 1,
        size, heads) to `labels` (arcs, labels, heads).
    """
    if archive.reader.get("tokenizer") is not None:
        raise UnsupportedError("dataset_reader.tokenizer splits words, which cannot be packaged")
    options = Options(archive.model, "model")
    student = options.take("type") != "biaffine_parser"
    options.ignore("text_field_embedder", "dropout", "input_dropout", "initializer", "regularizer")
    options.ignore("pos_tag_embedding")  # see `tag_input`
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
            "the archive chooses each word's head independently, which may not give a tree: "
            f"choose a decoder, one of {', '.join(DECODERS)}"
            if decoder is None
            else f"the decoder must be one of {', '.join(DECODERS)}, found {decoder!r}"
        )
    labels = archive.labels("head_tags")
    weights = Weights(archive.weights)

    graph = Graph()
    value = graph.input("words", "float", ["words", size])
    layout = BatchLayout.add(graph)
    value, size = encode(graph, value, layout, encoder, weights.below("encoder"))
    root = graph.size(value, 0)
    sentinel = weights.shaped("_head_sentinel", (1, 1, size))[0]
    # Shape: (words + 1, size)
    value = graph.add("Concat", [value, graph.constant(sentinel)], axis=0)
    networks: Dict[str, Tuple[Options, Weights]] = {}
    for kind, config, width in (("arc", arc_options, arc_size), ("tag", tag_options, tag_size)):
        config = config or {
            "input_dim": size,
            "num_layers": 1,
            "hidden_dims": width,
            "activations": "elu",
        }
        for side in ("head", "child"):
            part = Options(config, f"model.{kind}_feedforward")
            networks[f"{side} {kind}"] = (part, weights.below(f"{side}_{kind}_feedforward"))
    sides = feed_forwards(graph, value, networks)
    arcs = _arcs(
        graph,
        layout,
        root,
        (sides["head arc"], sides["child arc"]),
        arc_size,
        weights.below("arc_attention"),
    )
    graph.output(arcs, "arcs", ["batch", "length", "nodes"])
    graph.output(sides["head tag"], "heads", ["rows", tag_size])
    graph.output(sides["child tag"], "dependents", ["rows", tag_size])
    bilinear = weights.below("tag_bilinear")
    table = bilinear.shaped("weight", (len(labels), tag_size, tag_size))
    settings = {"kind": "parser", "labels": labels, "decoder": decoder}
    files = {NETWORK: graph.finish(), LABEL_NETWORK: _label_graph(table)}
    return files, settings, {"label_bias": bilinear["bias"]}


def _label_graph(table: numpy.ndarray) -> bytes:
    """Builds the label scores without their bias, from a table of shape (labels, head, dependent)."""
    labels, size, _ = table.shape
    graph = Graph()
    dependents = graph.input("dependents", "float", ["arcs", size])
    heads = graph.input("heads", "float", ["rows", size, "heads"])
    # Shape: (arcs, labels, size)
    value = graph.reshape(graph.linear(dependents, table.reshape(-1, size)), 0, labels, size)
    graph.output(graph.add("MatMul", [value, heads]), "labels", ["arcs", labels, "heads"])
    return graph.finish()


def _arcs(
    graph: Graph,
    layout: BatchLayout,
    root: str,
    sides: Tuple[str, str],
    size: int,
    weights: Weights,
) -> str:
    """Builds the arc scores. AllenNLP's attention of "head" and "child" is indexed [dependent,
    head], and so are these.

    With a 1 behind each vector, a bias for each side and one for both stand in the matrix's last row
    and column.
    """
    matrix = weights.shaped("_weight_matrix", (size + 1, size + 1))
    corner = matrix[size, size] + weights["_bias"]
    heads, children = sides
    # Shape: (batch, length, size), and one number for each
    projected = graph.linear(heads, matrix[:size].T, numpy.append(matrix[size, :size], corner))
    left, one = graph.split(layout.pad(graph, projected), size, 1)
    # Shape: (batch, nodes): the row of ROOT, then the rows of the words
    shape = graph.add("Concat", [graph.size(layout.slots, 0), graph.integers(1)], axis=0)
    nodes = graph.add("Concat", [graph.add("Expand", [root, shape]), layout.slots], axis=1)
    right = graph.add("Gather", [children, nodes], axis=0)
    both = graph.add("MatMul", [left, graph.transpose(right, 0, 2, 1)])
    return graph.add("Add", [both, one])
