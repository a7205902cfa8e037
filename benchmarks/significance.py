"""Whether two methods differ on a test set: approximate randomization over its sentences (Noreen 1989)."""

from typing import List

import numpy

ROUNDS = 10_000
BLOCK = 200  # rounds at once


def score(counts: numpy.ndarray) -> numpy.ndarray:
    """F1 (accuracy, where as much was predicted as there is); shape `(..., 3)` to `(...)`."""
    right, predicted, there = numpy.moveaxis(counts.astype(numpy.float64), -1, 0)
    return 2 * right / numpy.maximum(predicted + there, 1)


def p_value(
    ours: List[numpy.ndarray], theirs: List[numpy.ndarray], rounds: int = ROUNDS, seed: int = 13
) -> float:
    """How often chance alone parts two methods at least as far as they are.

    Under the null hypothesis a sentence's two outcomes could change sides. So in each round they do,
    sentence by sentence, with probability one half; counted are the rounds in which the pooled scores then
    differ by at least as much as they do.

    # Parameters

    ours, theirs : `List[numpy.ndarray]`
        The counts of each seed, each of shape `(sentences, 3)`, pooled; seed by seed in the same order.
    rounds : `int`
    seed : `int`
        Of the sides.

    # Raises

    ValueError
        If both have not the same seeds' sentences.
    """
    left, right = numpy.concatenate(ours).astype(float), numpy.concatenate(theirs).astype(float)
    if left.shape != right.shape:
        raise ValueError(
            f"both methods must have the same sentences, found {len(left)} and {len(right)}"
        )
    generator = numpy.random.default_rng(seed)
    totals, difference = (left + right).sum(0), left - right
    observed = abs(score(left.sum(0)) - score(right.sum(0)))
    as_far, done = 0, 0
    while done < rounds:
        block = min(BLOCK, rounds - done)
        signs = generator.integers(0, 2, (block, len(left)), dtype=numpy.int8) * 2.0 - 1
        differences = signs @ difference
        one, other = (totals + differences) / 2, (totals - differences) / 2
        # Equal sums in another order need not be equal in floating point.
        as_far += int((abs(score(one) - score(other)) >= observed - 1e-12).sum())
        done += block
    return (as_far + 1) / (rounds + 1)
