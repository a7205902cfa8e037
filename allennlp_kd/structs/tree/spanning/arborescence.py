"""The maximum spanning arborescence (Chu-Liu-Edmonds)."""

from typing import List, NamedTuple, Tuple

import numpy


class Contraction(NamedTuple):
    """A cycle contracted to its first node, and the values needed to undo the contraction.

    `cycle_heads`: the heads that made the cycle, and `cycle_weights` what they scored; `entry`: by
    outer head, the word of the cycle that it takes; `exit`: by outer dependent, the word of the
    cycle that is its head.
    """

    cycle: numpy.ndarray
    cycle_heads: numpy.ndarray
    cycle_weights: numpy.ndarray
    entry: numpy.ndarray
    exit: numpy.ndarray


def maximum_spanning_arborescence(scores: numpy.ndarray) -> numpy.ndarray:
    """Finds the heads of the best tree under ROOT (Chu and Liu, 1965; Edmonds, 1967), in
    O(words^2).

    Ties go to the first head.

    # Parameters

    scores : `numpy.ndarray`
        Shape `(words, words + 1)`, finite, indexed `[dependent, head]` with ROOT as head 0, as in
        `TreePotentials`. The diagonal (word d with head d + 1) is not read.

    # Returns

    `numpy.ndarray`
        Shape `(words,)`, integer.
    """
    heads, contractions = contract_cycles(scores)
    for contraction in reversed(contractions):
        expand(contraction, heads)
    return heads[1:]


def contract_cycles(scores: numpy.ndarray) -> Tuple[numpy.ndarray, List[Contraction]]:
    """Contracts cycles until a tree is left; undoing the contractions, last first, gives the best
    tree.

    Each word takes its best head. From each word the way up is followed; a cycle on it is
    contracted to one node. Only for such nodes are scores computed, as whole vectors.

    # Parameters

    scores : `numpy.ndarray`
        As for `maximum_spanning_arborescence`.

    # Returns

    `Tuple[numpy.ndarray, List[Contraction]]`
        The heads of the nodes that are left, shape `(words + 1,)`, ROOT first, and the contractions
        in the order in which they were made.
    """
    words = len(scores)
    # Node 0 is ROOT, which is never a dependent. Shape: (nodes, nodes)
    weights = numpy.full((words + 1, words + 1), -numpy.inf)
    weights[1:] = scores
    numpy.fill_diagonal(weights, -numpy.inf)
    heads = weights.argmax(axis=1)
    contractions: List[Contraction] = []
    settled = [True] + [False] * words  # nodes whose path is known to reach ROOT
    for start in range(1, words + 1):
        path: List[int] = []
        node = start
        while not settled[node]:
            if node in path:
                place = path.index(node)
                contractions.append(_contract(numpy.array(path[place:]), weights, heads))
                for member in path[place + 1 :]:
                    settled[member] = True  # merged into the cycle
                path = path[:place]
            path.append(node)
            node = int(heads[node])
        for member in path:
            settled[member] = True
    return heads, contractions


def _contract(cycle: numpy.ndarray, weights: numpy.ndarray, heads: numpy.ndarray) -> Contraction:
    node, others = cycle[0], cycle[1:]
    cycle_heads = heads[cycle]
    cycle_weights = weights[cycle, cycle_heads]
    # The gain of an arc from outside into a word of the cycle over the arc that it replaces.
    gains = weights[cycle] - cycle_weights[:, numpy.newaxis]
    losses = weights[:, cycle]
    contraction = Contraction(
        cycle, cycle_heads, cycle_weights, cycle[gains.argmax(axis=0)], cycle[losses.argmax(axis=1)]
    )
    weights[node] = gains.max(axis=0)
    weights[:, node] = losses.max(axis=1)
    weights[node, cycle] = -numpy.inf
    weights[:, others] = -numpy.inf
    heads[numpy.isin(heads, others)] = node
    heads[node] = weights[node].argmax()
    return contraction


def expand(contraction: Contraction, heads: numpy.ndarray) -> None:
    """Sets the heads of the words in the cycle, and of those attached to it, in `heads`."""
    node = contraction.cycle[0]
    outer_head = heads[node]
    dependents = numpy.flatnonzero(heads == node)
    heads[dependents] = contraction.exit[dependents]
    heads[contraction.cycle] = contraction.cycle_heads
    heads[contraction.entry[outer_head]] = outer_head
