"""Exact decoding of chains that runs Viterbi only where the emissions leave a choice."""

from typing import Tuple

import numpy

from spacy_bridge.runtime.decoding.viterbi import FORBIDDEN_SCORE, ChainScores, viterbi
from spacy_bridge.runtime.networks.batches import MAX_ROWS

MARGIN = 1e-3
"""Two tags whose scores differ by less are both kept: far more than float32 rounds."""

CELLS = 2**20
"""The number of pairs of tags, over all rows, that one step of Viterbi may compare."""


class ChainDecoder:
    """Finds the best tags of sentences, equal to Viterbi's.

    A tag cannot be on the best path if another tag of the same word has an emission that is higher
    by more than the transitions to both neighbors can ever make up for (dead-end elimination;
    Goldstein, 1994). Where only one tag of a word is left, its sentence splits into independent
    runs, and Viterbi decodes what remains.

    Forbidden transitions are first relaxed to the lowest allowed score, since nothing makes up for
    them. This raises the score of some paths and lowers none, so if the best path has no forbidden
    transition, it is also the best one under the original scores. Other sentences are decoded again.

    # Parameters

    scores : `ChainScores`
    """

    def __init__(self, scores: ChainScores) -> None:
        self._scores = scores
        parts = (scores.transitions, scores.start, scores.end)
        allowed = numpy.concatenate([part[part > FORBIDDEN_SCORE] for part in parts])
        lowest = allowed.min() if len(allowed) else FORBIDDEN_SCORE
        self._relaxed = ChainScores(*(numpy.maximum(part, lowest) for part in parts))
        # Shape: (from, tags) and (to, tags), including the boundary of the sentence
        self._before = numpy.vstack([self._relaxed.transitions, self._relaxed.start])
        self._after = numpy.vstack([self._relaxed.transitions.T, self._relaxed.end])
        # Shape: (tags, tags): by how much the transitions can favor the second tag over the first.
        # A row is computed when its tag is first the best of a word.
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
        """Replaces the tags of words with a choice; `ends` are the sentences' last words."""
        first, last = numpy.zeros((2, len(tags)), bool)
        first[starts], last[ends] = True, True
        # Shape: (words + 2,)
        open_ = numpy.pad(self._have_choice(emissions, tags), 1)
        begins = numpy.flatnonzero(open_[1:-1] & (first | ~open_[:-2]))
        stops = numpy.flatnonzero(open_[1:-1] & (last | ~open_[2:]))
        if not len(begins):
            return
        scores = self._relaxed
        before, after = tags[begins - 1], tags[(stops + 1) % len(tags)]
        start = numpy.where(first[begins, None], scores.start, scores.transitions[before])
        end = numpy.where(last[stops, None], scores.end, scores.transitions.T[after])
        _decode(emissions, begins, stops - begins + 1, start, end, scores.transitions, tags)

    def _have_choice(self, emissions: numpy.ndarray, best: numpy.ndarray) -> numpy.ndarray:
        """Whether more than one tag of each word can be on the best path: shape `(words,)`."""
        for tag in numpy.unique(best[~self._known[best]]).tolist():
            sides = (self._before, self._after)
            self._favor[tag] = sum((side - side[:, tag, None]).max(axis=0) for side in sides)
            self._known[tag] = True
        highest = numpy.take_along_axis(emissions, best[:, None], axis=1)
        return numpy.count_nonzero(emissions >= highest - self._favor[best] - MARGIN, axis=1) > 1

    def _with_forbidden(
        self, starts: numpy.ndarray, lengths: numpy.ndarray, tags: numpy.ndarray
    ) -> numpy.ndarray:
        """Returns the sentences whose tags have a forbidden transition."""
        scores = self._scores
        # What stands before each word, then after the last one of each sentence.
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
    step = max(MAX_ROWS, CELLS // size**2)
    for first in range(0, len(order), step):
        runs = order[first : first + step]
        places, real = _table(begins[runs], lengths[runs])
        # Shape: (runs, length, tags)
        table = emissions[places]
        table[:, 0] += start[runs]
        table[numpy.arange(len(runs)), lengths[runs] - 1] += end[runs]
        found, _ = viterbi(table, lengths[runs], scores)
        tags[places[real]] = found[real]


def _table(begins: numpy.ndarray, lengths: numpy.ndarray) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """Returns the words of each run, its first word in padding, and which of them are not padding:
    both of shape `(runs, length)`."""
    step = numpy.arange(lengths.max())
    real = step < lengths[:, None]
    return begins[:, None] + numpy.where(real, step, 0), real
