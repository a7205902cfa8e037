"""The best labelled tree of each sentence."""

from typing import List, NamedTuple, Tuple

import numpy

from spacy_bridge.runtime.arborescence import are_single_rooted_trees, best_heads

DECODERS = ("exact", "stock")
MOST_HEADS = 3
"""With more possible heads a word, one matrix product for all arcs of the sentence is cheaper."""


class ArcScores(NamedTuple):
    """What the parser's network says of a batch. Node 0 is ROOT, node i is word i.

    # Parameters

    arcs : `numpy.ndarray`
        Shape `(batch, nodes, nodes)`, indexed `[dependent, head]`.
    heads : `numpy.ndarray`
        Shape `(batch, nodes, size)`: each node as the head of an arc that gets a label.
    dependents : `numpy.ndarray`
        Shape `(batch, nodes, labels, size)`: each node as the dependent, already multiplied by the
        labels' matrices. An arc's label scores are `dependents[d] @ heads[h] + bias`.
    bias : `numpy.ndarray`
        Shape `(labels,)`.
    """

    arcs: numpy.ndarray
    heads: numpy.ndarray
    dependents: numpy.ndarray
    bias: numpy.ndarray

    def labels_of(
        self, rows: numpy.ndarray, dependents: numpy.ndarray, heads: numpy.ndarray
    ) -> numpy.ndarray:
        """The label scores of single arcs: shape `(arcs, labels)`."""
        scores = self.dependents[rows, dependents] @ self.heads[rows, heads][:, :, None]
        return scores[:, :, 0] + self.bias

    def labels_of_all(self, row: int, words: int) -> numpy.ndarray:
        """The label scores of all arcs of a sentence: shape `(words, nodes, labels)`."""
        nodes = words + 1
        # Shape: (words, labels, nodes)
        scores = self.dependents[row, 1:nodes] @ self.heads[row, :nodes].T
        return scores.transpose(0, 2, 1) + self.bias


def log_of_best(label_scores: numpy.ndarray) -> numpy.ndarray:
    """The log probability of the best label, over the last axis."""
    best = label_scores.max(axis=-1)
    return -numpy.log(numpy.exp(label_scores - best[..., None]).sum(axis=-1))


def decode(
    scores: ArcScores, lengths: numpy.ndarray, decoder: str
) -> Tuple[List[numpy.ndarray], ...]:
    """Heads and numbers of labels of each sentence.

    `exact`: the tree with one root word that is best in the sum of log p(head) + log p(label). `stock`:
    as stock's `biaffine_parser` does it, best in the sum of the probabilities p(head) * p(label) where
    arcs from ROOT count 0.

    # Returns

    `Tuple[List[numpy.ndarray], List[numpy.ndarray]]`
        One array of shape `(words,)` a sentence.
    """
    if decoder not in DECODERS:
        raise ValueError(f"decoder must be one of {', '.join(DECODERS)}, found {decoder!r}")
    if decoder == "stock":
        found = [_stock_tree(scores, row, int(words)) for row, words in enumerate(lengths)]
        return [heads for heads, _ in found], [labels for _, labels in found]
    heads = _exact_heads(scores, lengths)
    rows = numpy.repeat(numpy.arange(len(lengths)), lengths)
    dependents = numpy.concatenate([numpy.arange(1, words + 1) for words in lengths])
    labels = scores.labels_of(rows, dependents, numpy.concatenate(heads)).argmax(axis=1)
    return heads, numpy.split(labels, numpy.cumsum(lengths)[:-1])


def _exact_heads(scores: ArcScores, lengths: numpy.ndarray) -> List[numpy.ndarray]:
    # A constant over the heads of one word changes no tree, so log p(head) need not be normalised.
    arcs = scores.arcs[:, 1:].copy()
    batch, words, nodes = arcs.shape
    arcs[:, numpy.arange(words), numpy.arange(1, nodes)] = -numpy.inf
    node = numpy.arange(nodes)
    arcs[numpy.broadcast_to((node > lengths[:, None])[:, None, :], arcs.shape)] = -numpy.inf
    real = numpy.arange(words) < lengths[:, None]
    # log p(best label) lies between -log(labels) and 0, so a head whose score is further below the
    # best one's cannot win, and its labels need not be scored.
    slack = numpy.log(len(scores.bias)) + 1e-3
    possible = (arcs >= arcs.max(axis=2, keepdims=True) - slack) & real[:, :, None]
    few = possible.sum(axis=(1, 2)) <= MOST_HEADS * lengths
    rows, dependents, candidates = numpy.nonzero(possible & few[:, None, None])
    combined = numpy.full(arcs.shape, -numpy.inf, arcs.dtype)
    combined[rows, dependents, candidates] = arcs[rows, dependents, candidates] + log_of_best(
        scores.labels_of(rows, dependents + 1, candidates)
    )
    for row in numpy.flatnonzero(~few):
        _score_all(combined, arcs, scores, row, lengths[row])
    greedy = combined.argmax(axis=2)
    heads = []
    for row, done in enumerate(are_single_rooted_trees(greedy, lengths)):
        words = lengths[row]
        if done:
            heads.append(greedy[row, :words])
            continue
        if few[row]:
            _score_all(combined, arcs, scores, row, words)
        heads.append(best_heads(combined[row, :words, : words + 1]))
    return heads


def _score_all(
    combined: numpy.ndarray, arcs: numpy.ndarray, scores: ArcScores, row: int, words: int
) -> None:
    """Fills in the scores of all arcs of a sentence, with their best labels."""
    best = log_of_best(scores.labels_of_all(row, words))
    combined[row, :words, : words + 1] = arcs[row, :words, : words + 1] + best


def _stock_tree(scores: ArcScores, row: int, words: int) -> Tuple[numpy.ndarray, numpy.ndarray]:
    # In stock's precision and order: where a probability is too small for it, the first label wins.
    arcs = scores.arcs[row, 1 : words + 1, : words + 1]
    labels = scores.labels_of_all(row, words)
    # Shape: (words, nodes, labels)
    energy = numpy.exp(log_softmax(arcs)[:, :, None] + log_softmax(labels))
    best = energy.max(axis=2)
    best[:, 0] = 0.0
    heads = best_heads(best, single_root=False)
    return heads, energy[numpy.arange(words), heads].argmax(axis=1)


def log_softmax(scores: numpy.ndarray) -> numpy.ndarray:
    """Over the last axis."""
    scores = scores - scores.max(axis=-1, keepdims=True)
    return scores - numpy.log(numpy.exp(scores).sum(axis=-1, keepdims=True))
