"""The maximum spanning arborescence of one sentence."""

from typing import List, NamedTuple

import numpy


class _Contraction(NamedTuple):
    """A cycle that became one node (its first), and what is needed to undo that.

    `cycle_heads`: the heads that made the cycle; `entry`: by outer head, the word of the cycle
    that it takes; `exit`: by outer dependent, the word of the cycle that is its head.
    """

    cycle: numpy.ndarray
    cycle_heads: numpy.ndarray
    entry: numpy.ndarray
    exit: numpy.ndarray


def maximum_spanning_arborescence(scores: numpy.ndarray) -> numpy.ndarray:
    """The heads of the best tree under ROOT (Chu and Liu, 1965; Edmonds, 1967), in O(words^2).

    Each word takes its best head. From each word the way up is followed; a cycle on it is
    contracted to one node, for which alone scores are computed, as whole vectors. Of equal heads
    the first is taken.

    # Parameters

    scores : `numpy.ndarray`
        Shape `(words, words + 1)`, finite, indexed `[dependent, head]` with ROOT as head 0, as in
        `TreePotentials`. The diagonal (word d with head d + 1) is not read.

    # Returns

    `numpy.ndarray`
        Shape `(words,)`, integer.
    """
    words = len(scores)
    # Node 0 is ROOT, which is nobody's dependent. Shape: (nodes, nodes)
    weights = numpy.full((words + 1, words + 1), -numpy.inf)
    weights[1:] = scores
    numpy.fill_diagonal(weights, -numpy.inf)
    heads = weights.argmax(axis=1)
    contractions: List[_Contraction] = []
    settled = [True] + [False] * words  # nodes whose way up is known to end at ROOT
    for start in range(1, words + 1):
        path: List[int] = []
        node = start
        while not settled[node]:
            if node in path:
                place = path.index(node)
                contractions.append(_contract(numpy.array(path[place:]), weights, heads))
                for member in path[place + 1 :]:
                    settled[member] = True  # no node of its own any more
                path = path[:place]
            path.append(node)
            node = int(heads[node])
        for member in path:
            settled[member] = True
    for contraction in reversed(contractions):
        _expand(contraction, heads)
    return heads[1:]


def _contract(cycle: numpy.ndarray, weights: numpy.ndarray, heads: numpy.ndarray) -> _Contraction:
    node, others = cycle[0], cycle[1:]
    cycle_heads = heads[cycle]
    # What an arc from outside to a word of the cycle gains over the arc that it replaces.
    gains = weights[cycle] - weights[cycle, cycle_heads][:, numpy.newaxis]
    losses = weights[:, cycle]
    contraction = _Contraction(
        cycle, cycle_heads, cycle[gains.argmax(axis=0)], cycle[losses.argmax(axis=1)]
    )
    weights[node] = gains.max(axis=0)
    weights[:, node] = losses.max(axis=1)
    weights[node, cycle] = -numpy.inf
    weights[:, others] = -numpy.inf
    heads[numpy.isin(heads, others)] = node
    heads[node] = weights[node].argmax()
    return contraction


def _expand(contraction: _Contraction, heads: numpy.ndarray) -> None:
    node = contraction.cycle[0]
    outer_head = heads[node]
    dependents = numpy.flatnonzero(heads == node)
    heads[dependents] = contraction.exit[dependents]
    heads[contraction.cycle] = contraction.cycle_heads
    heads[contraction.entry[outer_head]] = outer_head
