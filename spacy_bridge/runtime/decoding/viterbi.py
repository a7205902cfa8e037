"""Viterbi decoding in NumPy, equal to `allennlp_kd.structs.chain.viterbi`."""

from dataclasses import dataclass
from typing import Tuple

import numpy

FORBIDDEN_SCORE = numpy.float32(-10000.0)
"""The score that AllenNLP's `viterbi_tags` gives to a forbidden transition."""


@dataclass(frozen=True)
class ChainScores:
    """Transition scores, with forbidden transitions already penalized.

    # Parameters

    transitions : `numpy.ndarray`
        Shape `(tags, tags)`, indexed `[from, to]`.
    start, end : `numpy.ndarray`
        Shape `(tags,)`.
    """

    transitions: numpy.ndarray
    start: numpy.ndarray
    end: numpy.ndarray

    def __post_init__(self) -> None:
        tags = len(self.start)
        if self.transitions.shape != (tags, tags) or self.end.shape != (tags,):
            raise ValueError(
                f"transitions and end must be of shape {(tags, tags)} and {(tags,)}, "
                f"found {self.transitions.shape} and {self.end.shape}"
            )


def viterbi(
    emissions: numpy.ndarray, lengths: numpy.ndarray, scores: ChainScores
) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """Returns the best sequence of each row; ties go to the lower tags from the end.

    # Parameters

    emissions : `numpy.ndarray`
        Shape `(batch, length, tags)`.
    lengths : `numpy.ndarray`
        Shape `(batch,)`, each at least 1, in descending order.
    scores : `ChainScores`

    # Returns

    `Tuple[numpy.ndarray, numpy.ndarray]`
        Tags of shape `(batch, length)`, 0 in padding, and the sequences' scores of shape `(batch,)`.
    """
    batch, length, tags = emissions.shape
    if batch == 0:
        return numpy.zeros((0, length), numpy.int64), numpy.zeros(0, emissions.dtype)
    if (numpy.diff(lengths) > 0).any() or lengths[-1] < 1:
        raise ValueError(
            f"lengths must be at least 1 and in descending order, found {list(lengths)}"
        )
    # The best score of a sequence that ends at each position with each tag.
    best = numpy.empty((length, batch, tags), emissions.dtype)
    best[0] = emissions[:, 0] + scores.start
    # The number of rows that are longer than each position.
    longer = numpy.searchsorted(-lengths, -numpy.arange(length), side="left")
    for position in range(1, length):
        rows = longer[position]
        # Shape: (rows, from, to)
        candidates = best[position - 1, :rows, :, None] + scores.transitions
        numpy.add(candidates.max(axis=1), emissions[:rows, position], out=best[position, :rows])
    everyone = numpy.arange(batch)
    final = best[lengths - 1, everyone] + scores.end
    sequences = numpy.zeros((batch, length), numpy.int64)
    last = final.argmax(axis=1)
    sequences[everyone, lengths - 1] = last
    # Shape: (to, from)
    moves = numpy.ascontiguousarray(scores.transitions.T)
    for position in range(length - 1, 0, -1):
        rows = longer[position]
        from_all = best[position - 1, :rows] + moves[sequences[:rows, position]]
        sequences[:rows, position - 1] = from_all.argmax(axis=1)
    return sequences, final[everyone, last]
