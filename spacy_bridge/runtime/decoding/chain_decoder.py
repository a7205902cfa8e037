"""Viterbi decoding with dead-end elimination: only words with several possible tags are decoded."""

from typing import Tuple

import numpy

from spacy_bridge.runtime.decoding.viterbi import FORBIDDEN_SCORE, ChainScores, viterbi

MARGIN = 1e-3
"""A tag is eliminated only if it loses by more than this, a margin for rounding."""

CELLS = 2**20
"""The maximum number of cells (run, tag, tag) in one step of Viterbi, unless it is of one run."""


class ChainDecoder:
    """Finds the best tag sequences. They equal Viterbi's, except for ties within rounding.

    A tag is eliminated if another tag of the same word has a higher emission, and no choice of
    neighbors has transitions that make up the difference (dead-end elimination; Goldstein, 1994).
    A word with one remaining tag is decided. It splits its sentence into independent runs of
    undecided words, and Viterbi decodes each run.

    Forbidden transitions would prevent any elimination, so they are first raised to the lowest
    allowed score. This raises the score of some sequences and lowers none, so if the best sequence
    has no forbidden transition, it is also the best one under the original scores. Sentences whose
    best sequence has one are decoded again, with the original scores.

    # Parameters

    scores : `ChainScores`
    """

    def __init__(self, scores: ChainScores) -> None:
        self._scores = scores
        parts = (scores.transitions, scores.start, scores.end)
        allowed = numpy.concatenate([part[part > FORBIDDEN_SCORE] for part in parts])
        lowest = allowed.min() if len(allowed) else FORBIDDEN_SCORE
        self._relaxed = ChainScores(*(numpy.maximum(part, lowest) for part in parts))
        # Shape: (tags, tags): the most that transitions can favor the second tag over the first.
        # A row is computed when first needed.
        self._favor = numpy.zeros_like(scores.transitions)
        self._known = numpy.zeros(len(scores.start), bool)

    def __call__(self, emissions: numpy.ndarray, lengths: numpy.ndarray) -> numpy.ndarray:
        """Returns the best tag of each word: shape `(words,)`.

        # Parameters

        emissions : `numpy.ndarray`
            Shape `(words, tags)`: the sentences' words, consecutive.
        lengths : `numpy.ndarray`
            Shape `(batch,)`, each at least 1.
        """
        tags = emissions.argmax(axis=1)
        starts = numpy.cumsum(lengths) - lengths
        self._decode_runs(emissions, starts, starts + lengths - 1, tags)
        again = self._with_forbidden(starts, lengths, tags)
        if len(again):
            start, end = (
                numpy.broadcast_to(part, (len(again), len(part)))
                for part in (self._scores.start, self._scores.end)
            )
            transitions = self._scores.transitions
            _decode(emissions, starts[again], lengths[again], start, end, transitions, tags)
        return tags

    def _decode_runs(
        self,
        emissions: numpy.ndarray,
        starts: numpy.ndarray,
        ends: numpy.ndarray,
        tags: numpy.ndarray,
    ) -> None:
        """Replaces the tags of undecided words; `ends` are the sentences' last words."""
        first, last = numpy.zeros((2, len(tags)), bool)
        first[starts], last[ends] = True, True
        # Shape: (words + 2,)
        undecided = numpy.pad(self._undecided(emissions, tags), 1)
        begins = numpy.flatnonzero(undecided[1:-1] & (first | ~undecided[:-2]))
        stops = numpy.flatnonzero(undecided[1:-1] & (last | ~undecided[2:]))
        if not len(begins):
            return
        scores = self._relaxed
        before, after = tags[begins - 1], tags[(stops + 1) % len(tags)]
        start = numpy.where(first[begins, None], scores.start, scores.transitions[before])
        end = numpy.where(last[stops, None], scores.end, scores.transitions.T[after])
        _decode(emissions, begins, stops - begins + 1, start, end, scores.transitions, tags)

    def _undecided(self, emissions: numpy.ndarray, best: numpy.ndarray) -> numpy.ndarray:
        """For each word, whether more than one tag remains: shape `(words,)`."""
        new = numpy.unique(best[~self._known[best]])
        if len(new):
            self._add_favors(new)
        highest = numpy.take_along_axis(emissions, best[:, None], axis=1)
        return numpy.count_nonzero(emissions >= highest - self._favor[best] - MARGIN, axis=1) > 1

    def _add_favors(self, tags: numpy.ndarray) -> None:
        scores = self._relaxed
        # Shape: (neighbors, tags), including the boundary of the sentence
        before = numpy.vstack([scores.transitions, scores.start])
        after = numpy.vstack([scores.transitions.T, scores.end])
        for tag in tags.tolist():
            sides = (before, after)
            self._favor[tag] = sum((side - side[:, tag, None]).max(axis=0) for side in sides)
            self._known[tag] = True

    def _with_forbidden(
        self, starts: numpy.ndarray, lengths: numpy.ndarray, tags: numpy.ndarray
    ) -> numpy.ndarray:
        """Returns the sentences whose tags have a forbidden transition."""
        scores = self._scores
        # The score of the transition into each word, or of the start for a first word.
        before = scores.transitions[numpy.roll(tags, 1), tags]
        before[starts] = scores.start[tags[starts]]
        bad = numpy.logical_or.reduceat(before <= FORBIDDEN_SCORE, starts)
        return numpy.flatnonzero(bad | (scores.end[tags[starts + lengths - 1]] <= FORBIDDEN_SCORE))


def _decode(
    emissions: numpy.ndarray,
    begins: numpy.ndarray,
    lengths: numpy.ndarray,
    start: numpy.ndarray,
    end: numpy.ndarray,
    transitions: numpy.ndarray,
    tags: numpy.ndarray,
) -> None:
    """Runs Viterbi on runs of consecutive words and writes their tags; `start` and `end` have the
    shape `(runs, tags)`."""
    size = len(transitions)
    zeros = numpy.zeros(size, transitions.dtype)
    scores = ChainScores(transitions, zeros, zeros)
    order = numpy.argsort(-lengths, kind="stable")
    descending = lengths[order]
    most = max(1, CELLS // size**2)
    first = 0
    while first < len(order):
        # Runs of very different lengths would be mostly padding.
        similar = numpy.searchsorted(-descending, -(descending[first] // 2), side="left")
        runs = order[first : min(first + most, int(similar))]
        places, real = _table(begins[runs], lengths[runs])
        # Shape: (runs, length, tags)
        table = emissions[places]
        table[:, 0] += start[runs]
        table[numpy.arange(len(runs)), lengths[runs] - 1] += end[runs]
        found, _ = viterbi(table, lengths[runs], scores)
        tags[places[real]] = found[real]
        first += len(runs)


def _table(begins: numpy.ndarray, lengths: numpy.ndarray) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """Returns the place of each word of each run (padding repeats the run's first word), and a mask
    of the real words: both of shape `(runs, length)`."""
    step = numpy.arange(lengths.max())
    real = step < lengths[:, None]
    return begins[:, None] + numpy.where(real, step, 0), real
