"""The maximum spanning arborescence: the numpy twin of that of `allennlp_kd.structs.tree`."""

from typing import List, Tuple

import numpy


def best_heads(scores: numpy.ndarray, single_root: bool = True) -> numpy.ndarray:
    """The heads of the tree of the highest sum of scores.

    # Parameters

    scores : `numpy.ndarray`
        Shape `(words, words + 1)`, finite, indexed `[dependent, head]` with ROOT as head 0. The diagonal
        (word d with head d + 1) is not read.
    single_root : `bool`, optional (default = `True`)
        Whether exactly one word may hang from ROOT.

    # Returns

    `numpy.ndarray`
        Shape `(words,)`.
    """
    words = len(scores)
    # Node 0 is ROOT, which hangs from nothing. Shape: (nodes, nodes)
    weights = numpy.full((words + 1, words + 1), -numpy.inf)
    weights[1:] = scores
    numpy.fill_diagonal(weights, -numpy.inf)
    if single_root and words:
        # Each arc from ROOT costs more than all else can gain, so the fewest are taken: one.
        finite = weights[1:][numpy.isfinite(weights[1:])]
        weights[:, 0] -= (finite.max() - finite.min()) * words + 1.0
    return _solve(weights)[1:]


def _solve(weights: numpy.ndarray) -> numpy.ndarray:
    """Chu and Liu (1965), Edmonds (1967): contract a cycle of best heads, solve the rest, open it again."""
    opened: List[Tuple[numpy.ndarray, ...]] = []
    heads = weights.argmax(axis=1)
    heads[0] = 0
    alive = numpy.ones(len(weights), bool)
    while True:
        cycle = _find_cycle(heads, alive)
        if not len(cycle):
            break
        node, rest = cycle[0], cycle[1:]
        # What an arc from outside into the cycle gains over the arc of the cycle that it replaces.
        gains = weights[cycle] - weights[cycle, heads[cycle]][:, None]
        out = weights[:, cycle]
        opened.append((cycle, heads[cycle], cycle[gains.argmax(0)], cycle[out.argmax(1)]))
        weights[node], weights[:, node] = gains.max(0), out.max(1)
        weights[node, cycle] = -numpy.inf
        weights[rest] = -numpy.inf
        weights[:, rest] = -numpy.inf
        alive[rest] = False
        contracted = numpy.zeros(len(heads), bool)
        contracted[rest] = True
        heads[contracted[heads]] = node
        heads[node] = weights[node].argmax()
    for cycle, inner, entry, leaving in reversed(opened):
        node = cycle[0]
        outside = heads[node]
        below = numpy.flatnonzero((heads == node) & alive)
        alive[cycle] = True
        heads[below] = leaving[below]
        heads[cycle] = inner
        heads[entry[outside]] = outside
    return heads


def _find_cycle(heads: numpy.ndarray, alive: numpy.ndarray) -> numpy.ndarray:
    """The nodes of some cycle among living nodes; none if every way up ends at ROOT."""
    colour = [0] * len(heads)
    colour[0] = -1
    up = heads.tolist()
    for start in numpy.flatnonzero(alive).tolist():
        path, node = [], start
        while colour[node] == 0:
            colour[node] = start + 1
            path.append(node)
            node = up[node]
        if colour[node] == start + 1 and path:
            return numpy.array(path[path.index(node) :])
    return numpy.array([], int)


def are_single_rooted_trees(heads: numpy.ndarray, lengths: numpy.ndarray) -> numpy.ndarray:
    """Which rows are trees with one word under ROOT.

    # Parameters

    heads : `numpy.ndarray`
        Shape `(batch, words)`, 0 for ROOT; what stands in padding is not read.
    lengths : `numpy.ndarray`
        Shape `(batch,)`.

    # Returns

    `numpy.ndarray`
        Shape `(batch,)`, boolean.
    """
    batch, words = heads.shape
    real = numpy.arange(words) < lengths[:, None]
    # Shape: (batch, nodes); ROOT is its own head
    up = numpy.zeros((batch, words + 1), numpy.int64)
    up[:, 1:] = numpy.where(real, heads, 0)
    roots = ((up[:, 1:] == 0) & real).sum(axis=1)
    for _ in range(max(1, int(words).bit_length())):
        up = numpy.take_along_axis(up, up, axis=1)  # twice as far up as before
    return (roots == 1) & (up == 0).all(axis=1)
