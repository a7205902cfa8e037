"""How much better one answer of a packaged student is than another, in its own scores."""

from typing import Any, List, Sequence

import numpy

from spacy_bridge.runtime.decoding.arc_scores import ArcScores
from spacy_bridge.runtime.decoding.tree_decoding import log_softmax

MARGIN = 1e-4
"""Answers whose scores are no further apart are equally good, as far as float32 tells."""


def are_tied(student: Any, words: Sequence[str], one: Any, other: Any) -> bool:
    """Whether two answers for a sentence are equally good.

    # Parameters

    student : `PackagedStudent`
    words : `Sequence[str]`
    one, other : `List[str]` or `ParsedSentence`
        Tags, or heads and labels.
    """
    outputs, layout = student.outputs([words])
    if student.kind == "tagger":
        scores = [_of_tags(student, outputs[0], tags) for tags in (one, other)]
        return bool(abs(scores[0] - scores[1]) <= MARGIN)
    table = _table(student.arc_scores(outputs, layout), student.decoder, len(words))
    heads = [numpy.array(answer.heads) for answer in (one, other)]
    labels = [_numbers(student, answer.labels) for answer in (one, other)]
    place = numpy.arange(len(words))
    best = table.max(axis=2)
    if student.decoder == "stock":
        best[:, 0] = 0.0  # its search for a tree leaves arcs from ROOT out
    trees = [best[place, found].sum() for found in heads]
    arcs = [table[place, found, named] for found, named in zip(heads, labels)]
    # Of an arc that both have, the labels must be equally good by themselves.
    shared = heads[0] == heads[1]
    apart = numpy.abs(arcs[0] - arcs[1])[shared].max(initial=0.0)
    return bool(abs(trees[0] - trees[1]) <= MARGIN and apart <= MARGIN)


def _of_tags(student: Any, emissions: numpy.ndarray, tags: List[str]) -> float:
    """A sequence's score: emissions (length, tags), moves, start and end."""
    numbers = _numbers(student, tags)
    scores = student.scores
    total = scores.start[numbers[0]] + emissions[numpy.arange(len(tags)), numbers].sum(dtype=float)
    return (
        total
        + scores.transitions[numbers[:-1], numbers[1:]].sum(dtype=float)
        + scores.end[numbers[-1]]
    )


def _table(scores: ArcScores, decoder: str, words: int) -> numpy.ndarray:
    """What the decoder adds up: shape (words, nodes, labels).

    Of a word as its own head -inf, which no tree takes.
    """
    arcs = scores.arcs[0].copy()
    labels = log_softmax(scores.labels_of_all(0, words).transpose(0, 2, 1))
    if decoder == "stock":  # by probabilities; the diagonal is one of the heads
        return numpy.exp(log_softmax(arcs)[:, :, None] + labels).astype(float)
    arcs[numpy.arange(words), numpy.arange(1, words + 1)] = -numpy.inf
    return (log_softmax(arcs)[:, :, None] + labels).astype(float)


def _numbers(student: Any, labels: Sequence[str]) -> List[int]:
    return [student.labels.index(label) for label in labels]
