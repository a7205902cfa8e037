"""The accuracy benchmark's counts, significance and table."""

import itertools

import numpy
import pytest

from benchmarks.accuracy import summary
from benchmarks.measures.packed_counts import packed, unpacked
from benchmarks.significance import p_value, score


def random_counts(generator, sentences, skill):
    there = generator.integers(1, 5, sentences)
    right = generator.binomial(there, skill)
    return numpy.stack([right, there, there], axis=1)


def exhaustive_p(ours, theirs):
    """Every way to let sentences change sides."""
    observed = abs(score(ours.sum(0)) - score(theirs.sum(0)))
    ways = list(itertools.product([False, True], repeat=len(ours)))
    as_far = 0
    for way in ways:
        swap = numpy.array(way)[:, None]
        one = numpy.where(swap, theirs, ours).sum(0)
        other = numpy.where(swap, ours, theirs).sum(0)
        as_far += abs(score(one) - score(other)) >= observed - 1e-12
    return as_far / len(ways)


class TestPValue:
    @pytest.mark.parametrize("seed", range(3))
    def test_is_that_of_all_swaps(self, seed):
        generator = numpy.random.default_rng(seed)
        ours, theirs = random_counts(generator, 8, 0.8), random_counts(generator, 8, 0.5)
        found = p_value([ours], [theirs], rounds=20_000)
        assert found == pytest.approx(exhaustive_p(ours, theirs), abs=0.02)

    def test_is_1_of_the_same_and_small_of_what_is_far_apart(self):
        generator = numpy.random.default_rng(0)
        good, bad = random_counts(generator, 300, 0.9), random_counts(generator, 300, 0.5)
        assert p_value([good], [good], rounds=100) == 1
        assert p_value([good, good], [bad, bad], rounds=1000) < 0.01

    def test_wants_the_same_sentences(self):
        counts = numpy.ones((3, 3))
        with pytest.raises(ValueError, match="found 3 and 2"):
            p_value([counts], [counts[:2]])


def test_score_is_f1():
    assert score(numpy.array([2, 3, 5])) == pytest.approx(2 * 2 / 8)


def test_counts_survive_a_line():
    counts = random_counts(numpy.random.default_rng(1), 20, 0.5)
    assert (unpacked(packed(counts)) == counts).all()


GRID = {
    "name": "small",
    "metric": "LAS",
    "also": ["UAS"],
    "teacher": 0.9,
    "data": {"all": {}},
    "arms": {"plain": {}, "good": {}, "absent": {}},
}


def line(arm, seed, test, counts):
    scores = {"dev": test, "test": test, "dev UAS": test, "test UAS": test}
    return {
        "grid": "small",
        "data": "all",
        "arm": arm,
        "seed": seed,
        "counts": packed(counts),
        **scores,
    }


class TestSummary:
    def cells(self, lines, arm):
        row = next(row for row in summary(GRID, lines).splitlines() if f" {arm} " in row)
        return [cell.strip() for cell in row.strip("|").split("|")]

    def test_names_what_is_there_and_what_is_not(self):
        generator = numpy.random.default_rng(2)
        lines = [
            line("plain", s, 0.70 + s / 1000, random_counts(generator, 300, 0.5)) for s in range(3)
        ]
        lines += [
            line("good", s, 0.80 + s / 1000, random_counts(generator, 300, 0.9)) for s in range(3)
        ]
        _, _, dev, test, *_, gap, p, seeds = self.cells(lines, "good")
        assert (dev, test) == ("80.10 ± 0.10", "80.10 ± 0.10")
        assert gap == "50 %"  # 10 points of 90 - 70.1
        assert float(p) < 0.01 and seeds == "3"
        assert self.cells(lines, "absent")[2:] == ["(empty)"] * 6 + ["0"]

    def test_a_gap_within_the_noise_is_none(self):
        counts = random_counts(numpy.random.default_rng(3), 5, 0.5)
        lines = [line("plain", s, 0.8 + 0.1 * s, counts) for s in range(3)]
        lines += [line("good", s, 0.85, counts) for s in range(3)]
        assert self.cells(lines, "good")[6] == "no gap"
        assert self.cells(lines[:1] + lines[3:], "good")[6] == "(one seed)"
