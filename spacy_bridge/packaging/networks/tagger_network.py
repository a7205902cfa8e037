"""Builds the network of a tagger."""

from typing import Any, Dict, Optional, Tuple

import numpy

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.student_archive import StudentArchive
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.batch_layout import BatchLayout
from spacy_bridge.packaging.networks.encoders import encode, feed_forward
from spacy_bridge.packaging.networks.graph import Graph
from spacy_bridge.runtime.decoding.spans import ENCODINGS
from spacy_bridge.runtime.packaged_student import NETWORK

SIMPLE_TAGGERS = ("simple_tagger", "simple_tagger_student")


def tagger_network(
    archive: StudentArchive, size: int, encoding: Optional[str] = None
) -> Tuple[Dict[str, bytes], Dict[str, Any], Dict[str, numpy.ndarray]]:
    """Returns the graph, settings and further weights of a `crf_tagger`, a `simple_tagger` or a
    student of either.

    # Parameters

    archive : `StudentArchive`
    size : `int`
        Of the inputs.
    encoding : `str`, optional
        How its tags say spans; what the archive's `label_encoding` says if it is `None`.

    # Returns

    `Tuple[Dict[str, bytes], Dict[str, Any], Dict[str, numpy.ndarray]]`
        The graph, by its file's name, goes from `words` (words, size) and the inputs of `BatchLayout` to emissions
        (words, tags).
    """
    options = Options(archive.model, "model")
    chain = options.take("type") not in SIMPLE_TAGGERS
    options.ignore(
        "text_field_embedder", "dropout", "initializer", "regularizer", "top_k",
        "calculate_span_f1", "verbose_metrics", "ignore_loss_on_o_tags", "label_weights",
        "weight_strategy", "constrain_crf_decoding",
    )  # fmt: skip
    namespace = options.take("label_namespace", "labels")
    own = options.take("label_encoding", None)
    encoder = options.part("encoder")
    include_ends = chain and options.take("include_start_end_transitions", True)
    feedforward = options.take("feedforward", None) if chain else None
    options.finish()
    if encoding is not None and own is not None and encoding != own:
        raise UnsupportedError(
            f"the archive's label_encoding is {own!r}, but the encoding {encoding!r} is given"
        )
    encoding = encoding or own
    if encoding is not None and encoding not in ENCODINGS:
        raise UnsupportedError(
            f"the encoding must be one of {', '.join(ENCODINGS)}, found {encoding!r}"
        )
    labels = archive.labels(namespace)
    tags = len(labels)
    weights = Weights(archive.weights)

    graph = Graph()
    value = graph.input("words", "float", ["words", size])
    value, size = encode(graph, value, BatchLayout.add(graph), encoder, weights.below("encoder"))
    if feedforward is not None:
        part = Options(feedforward, "model.feedforward")
        value, size = feed_forward(graph, value, part, weights.below("_feedforward"))
    projection = weights.below("tag_projection_layer._module")
    value = graph.linear(
        value, projection.shaped("weight", (tags, size)), projection.shaped("bias", (tags,))
    )
    graph.output(value, "emissions", ["words", tags])

    settings = {"kind": "tagger", "labels": labels, "encoding": encoding, "chain": chain}
    tensors = _moves(weights.below("crf"), tags, include_ends) if chain else {}
    return {NETWORK: graph.finish()}, settings, tensors


def _moves(crf: Weights, tags: int, include_ends: bool) -> Dict[str, numpy.ndarray]:
    """Returns the transition scores, and which transitions are allowed."""
    # Shape: (tags + 2, tags + 2), with a start and an end state
    allowed = crf.shaped("_constraint_mask", (tags + 2, tags + 2)).astype(numpy.uint8)
    nothing = numpy.zeros(tags, numpy.float32)
    return {
        "transitions": crf.shaped("transitions", (tags, tags)),
        "transitions.allowed": allowed[:tags, :tags],
        "start": crf["start_transitions"] if include_ends else nothing,
        "start.allowed": allowed[tags, :tags],
        "end": crf["end_transitions"] if include_ends else nothing,
        "end.allowed": allowed[:tags, tags + 1],
    }
