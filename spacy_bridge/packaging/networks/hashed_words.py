"""Builds the embedder `hashed_embedding`: word vectors from rows of hashed tables."""

from typing import Any, Dict, List, Tuple

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.convolutions import maxout
from spacy_bridge.packaging.networks.graph import Graph
from spacy_bridge.runtime.words.word_features import DEFAULT_FEATURES, SEEDS


def hashed_words_graph(
    indexer: Options, embedder: Options, weights: Weights
) -> Tuple[bytes, Dict[str, Any]]:
    """Builds the graph of an indexer `word_features` with its embedder.

    # Returns

    `Tuple[bytes, Dict[str, Any]]`
        From `rows` (words, 2 * features), int64, to vectors (words, size); and what `settings.json` says of
        it: the names of the features, the rows of their tables, and the size.
    """
    features = _features(indexer, embedder)
    size = embedder.take("output_dim")
    width = embedder.take("width", 64)
    given = embedder.take("rows", 2000)
    pieces = embedder.take("pieces", 2)
    embedder.ignore("feature_dropout")
    indexer.finish()
    embedder.finish()
    rows = [given[name] if isinstance(given, dict) else given for name in features]

    graph = Graph()
    numbers = graph.input("rows", "int64", ["words", len(SEEDS) * len(features)])
    table = graph.constant(weights.shaped("weight", (sum(rows), width)))
    found = graph.add("Gather", [table, numbers], axis=0)
    found = graph.reshape(found, 0, len(features), len(SEEDS), width)
    # Shape: (words, features * width)
    summed = graph.add("ReduceSum", [found, graph.integers(2)], keepdims=0)
    joined = len(features) * width
    joint, norm = weights.below("joint"), weights.below("norm")
    value = graph.linear(
        graph.reshape(summed, -1, joined),
        joint.shaped("weight", (pieces * size, joined)),
        joint.shaped("bias", (pieces * size,)),
    )
    value = maxout(graph, value, pieces, size)
    value = graph.layer_norm(value, norm.shaped("weight", (size,)), norm.shaped("bias", (size,)))
    graph.output(value, "vectors", ["words", size])
    return graph.finish(), {"features": features, "rows": rows, "size": size}


def _features(indexer: Options, embedder: Options) -> List[str]:
    both = [part.take("features", None) or list(DEFAULT_FEATURES) for part in (indexer, embedder)]
    if both[0] != both[1]:
        raise UnsupportedError(
            f"{indexer.where}.features and {embedder.where}.features must be the same, found "
            f"{both[0]} and {both[1]}"
        )
    return both[0]
