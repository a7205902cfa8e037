"""Enumerates arborescences by score, best first."""

import heapq
from itertools import count
from typing import Iterator, List, NamedTuple, Tuple

import numpy

from allennlp_kd.structs.tree.spanning.next_best import best_and_next
from allennlp_kd.structs.tree.spanning.single_root import FORBIDDEN


class _Candidate(NamedTuple):
    """The best tree of a set of trees, and the data to find its second best.

    `scores`: what forbids all other trees; `word`: whose arc all better trees than the next best
    have.
    """

    scores: numpy.ndarray
    heads: numpy.ndarray
    word: int


def ranked_arborescences(scores: numpy.ndarray) -> Iterator[numpy.ndarray]:
    """Yields all trees under ROOT without a forbidden arc lazily, best first.

    With the best tree of a set of trees comes the arc which the next best of them lacks, see
    `best_and_next`. The set is parted (Lawler, 1972): into trees without that arc, whose best is
    the next best, and trees with it, whose best is the same tree (Camerini, Fratta and Maffioli,
    "The k best spanning arborescences of a network", 1980). So each tree is found once, at the
    price of two searches, O(words^2) or, where cycles are nested deeply, O(words^3).

    # Parameters

    scores : `numpy.ndarray`
        Shape `(words, words + 1)`, as of `finite_scores`: `FORBIDDEN` marks what no tree may have.
        At least one word.

    # Returns

    `Iterator[numpy.ndarray]`
        Heads of shape `(words,)`; the first one exists even if each tree has a forbidden arc.
    """
    order = count()  # among equal scores, the one found first
    waiting: List[Tuple[float, int, _Candidate]] = []

    def wait(scores: numpy.ndarray, heads: numpy.ndarray, word: int, total: float) -> None:
        """Queues the second best of the trees of `scores`, whose best has the score `total`."""
        if total > FORBIDDEN / 2:
            heapq.heappush(waiting, (-total, next(order), _Candidate(scores, heads, word)))

    found = scores
    while True:
        heads, word, loss = best_and_next(found)
        yield heads
        wait(found, heads, word, _total(found, heads) - loss)
        if not waiting:
            return
        _, _, (scores, heads, word) = heapq.heappop(waiting)
        head = heads[word]
        within = scores.copy()
        within[word] = FORBIDDEN
        within[word, head] = scores[word, head]
        others, word_within, loss = best_and_next(within)
        differs = numpy.flatnonzero(others != heads)
        if len(differs):  # as good as the known tree, so it is the next best
            wait(within, heads, int(differs[0]), _total(within, others))
        else:
            wait(within, heads, word_within, _total(within, heads) - loss)
        found = scores.copy()
        found[word, head] = FORBIDDEN


def _total(scores: numpy.ndarray, heads: numpy.ndarray) -> float:
    return float(scores[numpy.arange(len(scores)), heads].sum())
