"""Residual convolutions over words: the encoder `dilated_convolutions`."""

from typing import Dict, Tuple

import numpy

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.batch_layout import BatchLayout
from spacy_bridge.packaging.networks.graph import Graph


def dilated_convolutions(
    graph: Graph, value: str, layout: BatchLayout, options: Options, weights: Weights
) -> Tuple[str, int]:
    """Builds the encoder over words in consecutive order.

    A word's neighbors are looked up by their rows; a row of zeros stands for what is outside the
    sentence. So no padding is computed, and no sentence sees another.

    # Returns

    `Tuple[str, int]`
        The outputs (words, size), and the size.
    """
    given = options.take("input_dim")
    size = options.take("hidden_dim", None) or given
    dilations = options.take("dilations", None) or [1, 1, 2, 4]
    activation = options.take("activation", "maxout")
    pieces = options.take("pieces", 2)
    options.ignore("dropout")
    options.finish()
    if activation not in ("maxout", "glu"):
        raise UnsupportedError(
            f"{options.where}.activation must be maxout or glu, found {activation!r}"
        )
    if given != size:
        part = weights.below("projection")
        value = graph.linear(
            value, part.shaped("weight", (size, given)), part.shaped("bias", (size,))
        )
    rows = _Neighbours(graph, layout)
    zero = graph.constant(numpy.zeros((1, size), numpy.float32))
    for layer, dilation in enumerate(dilations):
        part, norm = weights.below(f"layers.{layer}"), weights.below(f"norms.{layer}")
        extended = graph.add("Concat", [value, zero], axis=0)
        # Shape: (words, 3, size)
        windows = graph.add("Gather", [extended, rows(dilation)], axis=0)
        scores = graph.linear(
            graph.reshape(windows, -1, 3 * size),
            part.shaped("weight", (pieces * size, 3 * size)),
            part.shaped("bias", (pieces * size,)),
        )
        added = graph.layer_norm(
            _activate(graph, scores, activation, pieces, size),
            norm.shaped("weight", (size,)),
            norm.shaped("bias", (size,)),
        )
        value = graph.add("Add", [value, added])
    return value, size


def maxout(graph: Graph, value: str, pieces: int, size: int) -> str:
    """The maximum of `pieces` blocks of `size` numbers: from (rows, pieces * size) to (rows, size)."""
    if pieces == 1:
        return value
    return graph.add("Max", graph.split(value, *[size] * pieces))


def _activate(graph: Graph, value: str, activation: str, pieces: int, size: int) -> str:
    if activation == "maxout":
        return maxout(graph, value, pieces, size)
    linear, gate = graph.split(value, size, size)
    return graph.add("Mul", [linear, graph.add("Sigmoid", [gate])])


class _Neighbours:
    """Row indices of each word's left neighbor, the word itself and its right neighbor, by
    distance.
    """

    def __init__(self, graph: Graph, layout: BatchLayout) -> None:
        self._graph = graph
        self._known: Dict[int, str] = {}
        length = graph.add("Squeeze", [graph.size(layout.slots, 1), graph.integers(0)])
        sentence = graph.add("Div", [layout.places, length])
        # Shape: (words,): the number of words before each word in its sentence, and from it to the
        # end
        self._before = graph.add("Sub", [layout.places, graph.add("Mul", [sentence, length])])
        long_lengths = graph.add("Cast", [layout.lengths], to=7)  # int64
        lengths = graph.add("Gather", [long_lengths, sentence], axis=0)
        self._after = graph.add("Sub", [lengths, self._before])
        count = graph.add("Squeeze", [graph.size(layout.places, 0), graph.integers(0)])
        bounds = [graph.constant(bound, "int64") for bound in (0, 1)]
        self._rows = graph.add("Range", [bounds[0], count, bounds[1]])
        self._zero = count

    def __call__(self, distance: int) -> str:
        """Returns shape (words, 3); the number of words, which is the index of zeros, for positions
        outside.
        """
        if distance not in self._known:
            graph, step = self._graph, self._graph.constant(distance, "int64")
            outside = graph.add("Less", [self._before, step])
            left = graph.add("Where", [outside, self._zero, graph.add("Sub", [self._rows, step])])
            inside = graph.add("Less", [step, self._after])
            right = graph.add("Where", [inside, graph.add("Add", [self._rows, step]), self._zero])
            columns = [
                graph.add("Unsqueeze", [rows, graph.integers(1)])
                for rows in (left, self._rows, right)
            ]
            self._known[distance] = graph.add("Concat", columns, axis=1)
        return self._known[distance]
