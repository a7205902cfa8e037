"""The best and the second-best arborescence."""

from typing import List, NamedTuple, Tuple

import numpy

from allennlp_kd.structs.tree.spanning.arborescence import contract_cycles, expand


class _Level(NamedTuple):
    """A contracted cycle as one dependent.

    `words`: those in it; `paid`: for each, the scores of the arcs into it, and into the cycles
    around it up to this one (exclusive), that an arc from outside replaces; `inner`: the levels
    that the nodes of the cycle stood for.
    """

    words: numpy.ndarray
    paid: numpy.ndarray
    inner: numpy.ndarray


def best_and_next(scores: numpy.ndarray) -> Tuple[numpy.ndarray, int, float]:
    """Finds the best tree, an arc of it that the second-best tree lacks, and the difference in
    score.

    In the search for the best tree each of its arcs was chosen as the best one into a word or into
    a contracted cycle. An arc's price is what is lost by the best alternative there, among arcs
    that do not come from below it; the best tree without the arc of the lowest price is the next
    best (Camerini, Fratta and Maffioli, 1980; Zmigrod, Vieira and Cotterell, "On finding the k-best
    non-projective dependency trees", 2021).

    # Parameters

    scores : `numpy.ndarray`
        Shape `(words, words + 1)`, as of `finite_scores`, of at least one word.

    # Returns

    `Tuple[numpy.ndarray, int, float]`
        Heads of shape `(words,)`, the word whose arc it is (from 0), and the loss. Where all other
        trees have a forbidden arc, the loss is of the size of `FORBIDDEN`, or infinite.
    """
    heads, levels, chosen_at = _search(scores)
    size = len(heads)
    # Whether a node, ROOT first, is another node or a descendant of it. Shape: (size, size)
    below = numpy.eye(size, dtype=bool)
    ancestors = heads
    while ancestors.any():
        below[ancestors, numpy.arange(size)] = True
        ancestors = heads[ancestors]
    words = numpy.arange(1, size)
    chosen = scores[words - 1, heads[1:]]
    # Shape: (words, size)
    losses = chosen[:, numpy.newaxis] - scores
    losses[below[1:]] = numpy.inf
    losses[words - 1, heads[1:]] = numpy.inf
    prices = losses.min(axis=1)
    for word in numpy.flatnonzero(chosen_at[1:] >= 0) + 1:
        level = levels[chosen_at[word]]
        place = numpy.flatnonzero(level.words == word)[0]
        # Shape: (words of the cycle, size)
        gains = scores[level.words - 1] - level.paid[:, numpy.newaxis]
        best = gains[place, heads[word]]
        gains[place, heads[word]] = -numpy.inf
        prices[word - 1] = best - gains[:, ~below[word]].max()
    cheapest = int(prices.argmin())
    return heads[1:], cheapest, float(prices[cheapest])


def _search(scores: numpy.ndarray) -> Tuple[numpy.ndarray, List[_Level], numpy.ndarray]:
    """Finds the heads of the best tree, starting with ROOT's (0), all levels, and the level (-1:
    the word itself) at which the arc into each word was chosen.
    """
    heads, contractions = contract_cycles(scores)
    size = len(heads)
    members = [numpy.array([node]) for node in range(size)]
    paid = numpy.zeros(size)
    standing = numpy.full(size, -1)  # the level that each node represents
    levels: List[_Level] = []
    for contraction in contractions:
        cycle = contraction.cycle
        for node, weight in zip(cycle, contraction.cycle_weights):
            paid[members[node]] += weight
        words = numpy.concatenate([members[node] for node in cycle])
        members[cycle[0]] = words
        levels.append(_Level(words, paid[words], standing[cycle]))
        standing[cycle[0]] = len(levels) - 1
    for contraction, level in zip(contractions[::-1], levels[::-1]):
        cycle = contraction.cycle
        entered, at = contraction.entry[heads[cycle[0]]], standing[cycle[0]]
        standing[cycle] = level.inner
        standing[entered] = at
        expand(contraction, heads)
    return heads, levels, standing
