"""The output of a parser's network for a batch of sentences."""

from typing import Callable, NamedTuple

import numpy

from spacy_bridge.runtime.networks.layout import Layout

ARCS_AT_ONCE = 128
"""The number of arcs whose labels are scored per call, chosen to fit into a processor's cache."""


class ArcScores(NamedTuple):
    """Arc scores, with label scores on demand. Node 0 is ROOT, node i is word i.

    # Parameters

    arcs : `numpy.ndarray`
        Shape `(batch, length, nodes)`, indexed `[dependent, head]`; the dependents are words.
    heads, dependents : `numpy.ndarray`
        Shape `(words + 1, size)`: each word of the batch, and then ROOT, as the head and as the
        dependent of an arc that gets a label.
    layout : `Layout`
    score_labels : `Callable`
        From dependents `(arcs, size)` and heads `(arcs or 1, size, heads)` to scores
        `(arcs, labels, heads)` without the labels' bias.
    bias : `numpy.ndarray`
        Shape `(labels,)`.
    """

    arcs: numpy.ndarray
    heads: numpy.ndarray
    dependents: numpy.ndarray
    layout: Layout
    score_labels: Callable[[numpy.ndarray, numpy.ndarray], numpy.ndarray]
    bias: numpy.ndarray

    def labels_of(
        self, rows: numpy.ndarray, words: numpy.ndarray, nodes: numpy.ndarray
    ) -> numpy.ndarray:
        """Returns the label scores of selected arcs.

        # Parameters

        rows, words, nodes : `numpy.ndarray`
            Shape `(arcs,)`: the sentence, the dependent as a column of `arcs[row]` (word 1 is 0) and
            the head as a node.

        # Returns

        `numpy.ndarray`
            Shape `(arcs, labels)`.
        """
        slots = self.layout.slots
        root = len(self.heads) - 1
        dependents = self.dependents[slots[rows, words]]
        heads = self.heads[numpy.where(nodes > 0, slots[rows, nodes - 1], root)]
        scores = numpy.empty((len(rows), len(self.bias)), numpy.float32)
        for start in range(0, len(rows), ARCS_AT_ONCE):
            part = slice(start, start + ARCS_AT_ONCE)
            scores[part] = self.score_labels(dependents[part], heads[part, :, None])[:, :, 0]
        return scores + self.bias

    def labels_of_all(self, row: int, words: int) -> numpy.ndarray:
        """Returns the label scores of all arcs in a sentence: shape `(words, labels, nodes)`."""
        slots = self.layout.slots[row, :words]
        heads = self.heads[numpy.concatenate([[len(self.heads) - 1], slots])].T[None]
        dependents = self.dependents[slots]
        parts = [
            self.score_labels(dependents[start : start + ARCS_AT_ONCE], heads)
            for start in range(0, words, ARCS_AT_ONCE)
        ]
        return numpy.concatenate(parts) + self.bias[:, None]
