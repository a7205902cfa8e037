"""Finds the best labeled tree of each sentence."""

from typing import List, Tuple

import numpy

from spacy_bridge.runtime.decoding.arborescence import are_single_rooted_trees, best_heads
from spacy_bridge.runtime.decoding.arc_scores import ArcScores

DECODERS = ("exact", "stock")
MOST_HEADS = 3
"""With more candidate heads per word than this, one matrix product for all arcs is cheaper."""

NEAR = 1.5
"""Arcs at most this many nats below the best of their word may be in the best tree."""
MOST_ROUNDS = 4
"""After this many searches for a tree with scored labels, all labels of the sentence are scored."""


def log_of_best(label_scores: numpy.ndarray, axis: int = -1) -> numpy.ndarray:
    """The log probability of the best label, over an axis."""
    shifted = label_scores - label_scores.max(axis=axis, keepdims=True)
    return -numpy.log(numpy.exp(shifted).sum(axis=axis))


def decode(scores: ArcScores, decoder: str) -> Tuple[List[numpy.ndarray], List[numpy.ndarray]]:
    """Returns heads and label indices of each sentence.

    `exact`: the tree with one root word that is best in the sum of log p(head) + log p(label). `stock`:
    as AllenNLP's `biaffine_parser` does it, best in the sum of the probabilities p(head) * p(label) where
    arcs from ROOT count 0.

    # Returns

    `Tuple[List[numpy.ndarray], List[numpy.ndarray]]`
        One array of shape `(words,)` a sentence.
    """
    if decoder not in DECODERS:
        raise ValueError(f"decoder must be one of {', '.join(DECODERS)}, found {decoder!r}")
    if decoder == "stock":
        lengths = scores.layout.lengths.tolist()
        found = [_stock_tree(scores, row, words) for row, words in enumerate(lengths)]
        return [heads for heads, _ in found], [labels for _, labels in found]
    return _ExactDecoder(scores).decode()


class _ExactDecoder:
    """Scores the labels of the arcs that may be in the best tree, and of few others.

    An arc counts log p(head) + log p(best label). The second term is at most 0, so the first is a
    bound. A tree that is best by the bounds, and whose arcs all have their labels scored, is the
    best of
    all.
    """

    def __init__(self, scores: ArcScores) -> None:
        self._scores = scores
        self._lengths = scores.layout.lengths
        # A constant over the heads of one word changes no tree, so log p(head) is not normalized.
        _, words, nodes = scores.arcs.shape
        place, node = numpy.arange(words), numpy.arange(nodes)
        self._real = place < self._lengths[:, None]
        # Shape: (batch, nodes)
        absent = node > self._lengths[:, None]
        # Shape: (batch, words, nodes): upper bounds, which become scores when the best label is
        # known
        self._table = numpy.where(absent[:, None, :], -numpy.inf, scores.arcs)
        self._table[:, place, place + 1] = -numpy.inf
        # The best label of each arc; -1 if its labels are not scored.
        self._labels = numpy.full(scores.arcs.shape, -1, numpy.int32)

    def decode(self) -> Tuple[List[numpy.ndarray], List[numpy.ndarray]]:
        heads = self._greedy()
        done = are_single_rooted_trees(heads, self._lengths)
        self._search(heads, numpy.flatnonzero(~done).tolist())
        labels = numpy.take_along_axis(self._labels, heads[:, :, None], axis=2)[:, :, 0]
        return _cut(heads, self._lengths), _cut(labels, self._lengths)

    def _greedy(self) -> numpy.ndarray:
        """Returns the best head of each word: shape `(batch, words)`."""
        rows, words = numpy.nonzero(self._real)
        self._score(rows, words, self._table.argmax(axis=2)[rows, words])
        scored = numpy.where(self._labels >= 0, self._table, -numpy.inf).max(axis=2, keepdims=True)
        better = (self._table > scored) & self._real[:, :, None]
        many = better.sum(axis=(1, 2)) > MOST_HEADS * self._lengths
        better[many] = False
        self._score(*numpy.nonzero(better))
        for row in numpy.flatnonzero(many).tolist():
            self._score_all(row)
        return self._table.argmax(axis=2)

    def _search(self, heads: numpy.ndarray, rows: List[int]) -> None:
        """Sets the heads of the best trees of these sentences."""
        if rows:
            table = self._table[rows]
            near = table >= table.max(axis=2, keepdims=True) - NEAR
            near &= (self._labels[rows] < 0) & self._real[rows][:, :, None]
            of_rows, words, nodes = numpy.nonzero(near)
            self._score(numpy.array(rows)[of_rows], words, nodes)
        for _ in range(MOST_ROUNDS):
            arcs: List[Tuple[int, int, int]] = []
            again = []
            for row in rows:
                words = int(self._lengths[row])
                found = best_heads(self._table[row, :words, : words + 1])
                heads[row, :words] = found
                unknown = numpy.flatnonzero(self._labels[row, numpy.arange(words), found] < 0)
                if len(unknown):
                    again.append(row)
                    arcs.extend((row, word, found[word]) for word in unknown.tolist())
            rows = again
            if not rows:
                return
            self._score(*numpy.array(arcs).T)
        for row in rows:
            self._score_all(row)
            words = int(self._lengths[row])
            heads[row, :words] = best_heads(self._table[row, :words, : words + 1])

    def _score(self, rows: numpy.ndarray, words: numpy.ndarray, nodes: numpy.ndarray) -> None:
        """Scores the labels of arcs whose labels are not scored yet."""
        labels = self._scores.labels_of(rows, words, nodes)
        self._table[rows, words, nodes] += log_of_best(labels)
        self._labels[rows, words, nodes] = labels.argmax(axis=1)

    def _score_all(self, row: int) -> None:
        """Scores the labels of all arcs of a sentence."""
        words = int(self._lengths[row])
        labels = self._scores.labels_of_all(row, words)
        part = (row, slice(words), slice(words + 1))
        new = self._labels[part] < 0
        self._table[part] += numpy.where(new, log_of_best(labels, axis=1), 0.0)
        self._labels[part] = numpy.where(new, labels.argmax(axis=1), self._labels[part])


def _cut(values: numpy.ndarray, lengths: numpy.ndarray) -> List[numpy.ndarray]:
    return [row[:length] for row, length in zip(values, lengths.tolist())]


def _stock_tree(scores: ArcScores, row: int, words: int) -> Tuple[numpy.ndarray, numpy.ndarray]:
    # In AllenNLP's precision and order: if a probability underflows, the first label wins.
    arcs = log_softmax(scores.arcs[row, :words, : words + 1])
    # Shape: (words, labels, nodes)
    labels = log_softmax(scores.labels_of_all(row, words), axis=1)
    best = numpy.exp(arcs + labels.max(axis=1))
    best[:, 0] = 0.0
    heads = best_heads(best, single_root=False)
    place = numpy.arange(words)
    chosen = numpy.exp(arcs[place, heads][:, None] + labels[place, :, heads])
    return heads, chosen.argmax(axis=1)


def log_softmax(scores: numpy.ndarray, axis: int = -1) -> numpy.ndarray:
    """Log softmax over an axis."""
    scores = scores - scores.max(axis=axis, keepdims=True)
    return scores - numpy.log(numpy.exp(scores).sum(axis=axis, keepdims=True))
