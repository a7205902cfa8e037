"""The accuracy benchmark's counts, significance and table."""

import itertools
import json
import sys
from functools import partial
from pathlib import Path

import numpy
import pytest

from benchmarks import accuracy, search
from benchmarks.accuracy import Run, Training, archive_name, read_lines, runs_of, train_all
from benchmarks.measures.packed_counts import packed, unpacked
from benchmarks.processes import run_all
from benchmarks.scores import overview_rows, size_rows, summary
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


def test_students_by_size_are_those_that_have_runs():
    counts = random_counts(numpy.random.default_rng(4), 5, 0.5)
    lines = [line("good", seed, 0.80 + seed / 1000, counts) for seed in range(3)]
    lines.append({**line("plain", 0, 0.7, counts), "data": "10 %"})
    grid = {**GRID, "test": "trees", "student": "tiny", "data": {"all": {}, "10 %": {}}}
    score = "80.10 ± 0.10"
    assert size_rows(grid, lines) == [
        ["trees", "tiny", "plain", "10 %", "70.00", "70.00", "90.00", "1"],
        ["trees", "tiny", "good", "all", score, score, "90.00", "3"],
    ]
    del grid["teacher"]
    assert size_rows(grid, lines)[0][-2] == "(empty)"


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


class TestOverview:
    GRID = {**GRID, "seeds": [0, 1, 2], "data": {"all": {}, "10 %": {}}}

    def test_has_a_row_for_each_portion_with_runs(self):
        counts = random_counts(numpy.random.default_rng(3), 5, 0.5)
        lines = [line("plain", s, 0.70 + s / 1000, counts) for s in range(3)]
        lines += [line("good", s, 0.80 + s / 1000, counts) for s in range(2)]
        (row,) = overview_rows(self.GRID, lines, ["plain", "good", "absent"])
        assert row == [
            "small",
            "BiLSTM",
            "all",
            "90.00",
            "70.10 ± 0.10",
            "80.05 ± 0.07 (2 of 3 seeds)",
            "(empty)",
            "50 %",
        ]
        grid = {**self.GRID, "test": "tests", "student": "LSTM"}
        assert overview_rows(grid, lines, ["plain", "good"])[0][:2] == ["tests", "LSTM"]
        assert overview_rows(grid, [], ["plain", "good"]) == []


SEARCHED = {
    **GRID,
    "overrides": {"epochs": 2},
    "seeds": [3],
    "arms": {"plain": {"alpha": 0}, "good": {}},
    "search": {
        "seed": 1,
        "data": "all",
        "candidates": {"plain": [{}, {"rate": 2}], "good": [{"alpha": 0.5}, {"alpha": 0.8}]},
    },
}


def trial_lines(scores):
    trials = list(search.trials_of(SEARCHED))
    return [{**trial._asdict(), "dev": score} for trial, score in zip(trials, scores)]


class TestSearch:
    def test_takes_what_is_best_on_dev(self):
        lines = trial_lines([0.5, 0.6, 0.8, 0.7])
        chosen = search.with_chosen(SEARCHED, lines)
        assert chosen["arms"] == {"plain": {"alpha": 0, "rate": 2}, "good": {"alpha": 0.5}}
        (_, overrides), _ = runs_of(chosen)
        assert overrides["rate"] == 2 and overrides["random_seed"] == 3
        assert [row for row in search.summary(SEARCHED, lines).splitlines() if "taken" in row] == [
            row
            for row in search.summary(SEARCHED, lines).splitlines()
            if "60.00" in row or "80.00" in row
        ]

    def test_of_equal_ones_the_first(self):
        assert search.best_of(SEARCHED, "good", trial_lines([0, 0, 0.7, 0.7])).candidate == {
            "alpha": 0.5
        }

    def test_is_over_before_anything_is_taken(self):
        with pytest.raises(ValueError, match="the search of 'good' is not finished"):
            search.with_chosen(SEARCHED, trial_lines([0.5, 0.6, 0.8]))

    def test_wants_the_same_number_for_all(self):
        candidates = {**SEARCHED["search"]["candidates"], "good": [{}]}
        grid = {**SEARCHED, "search": {**SEARCHED["search"], "candidates": candidates}}
        with pytest.raises(ValueError, match="{'plain': 2, 'good': 1}"):
            list(search.trials_of(grid))

    def test_has_overrides_that_its_choice_does_not_take_along(self):
        grid = {**SEARCHED, "search": {**SEARCHED["search"], "overrides": {"epochs": 1}}}
        assert [search.overrides_of(grid, trial)["epochs"] for trial in search.trials_of(grid)] == [
            1
        ] * 4
        chosen = search.with_chosen(grid, trial_lines([0.5, 0.6, 0.8, 0.7]))
        assert {overrides["epochs"] for _, overrides in runs_of(chosen)} == {2}

    def test_its_lines_are_no_results(self):
        assert "(empty)" in summary(SEARCHED, trial_lines([0.5, 0.6, 0.8, 0.7]))

    def test_trains_trials_without_the_test_set_and_then_what_they_chose(
        self, monkeypatch, tmp_path
    ):
        calls = []

        def train(config, overrides, metric, also, test=True, **options):
            calls.append((overrides, test))
            assert config == ("y" if "rate" in overrides else "x") and "config" not in overrides
            return {"dev": overrides.get("alpha", 1), "test": 0.5}

        monkeypatch.setattr(accuracy, "train", train)
        arms = {**SEARCHED["arms"], "plain": {"config": "y", "rate": 1}}
        grid, output = {**SEARCHED, "config": "x", "arms": arms}, tmp_path / "runs.jsonl"
        train_all(grid, output, Training(1), quick=True)
        assert len(calls) == 1
        train_all(grid, output, Training(1))
        assert [test for _, test in calls] == [False] * 4 + [True] * 2
        assert calls[-1][0]["alpha"] == 0.8 and calls[-1][0]["random_seed"] == 3
        train_all(grid, output, Training(1))
        assert len(calls) == 6
        # What was recorded with other overrides is not taken for a run of the grid.
        changed = {**grid, "arms": {**arms, "plain": {"config": "y", "rate": 2}}}
        with pytest.raises(ValueError, match="'rate': 1.*not .*'rate': 2.*remove its line"):
            train_all(changed, output, Training(1))
        assert len(calls) == 6

    def test_trains_several_at_once(self, monkeypatch, tmp_path):
        def train(config, overrides, metric, also, test=True, cuda_device=-1, archive=None):
            if archive is not None:
                archive.parent.mkdir(exist_ok=True)
                archive.write_text(str(overrides["alpha"]))
            # A line longer than what a buffered file writes at once.
            return {"dev": overrides.get("alpha", 1), "test": 0.5, "counts": "c" * 20_000}

        monkeypatch.setattr(accuracy, "train", train)
        monkeypatch.setattr(accuracy, "run_all", partial(run_all, method="fork"))
        grid, output = {**SEARCHED, "config": "x", "seeds": [3, 4]}, tmp_path / "runs.jsonl"
        train_all(grid, output, Training(1, jobs=3, archives=tmp_path / "kept"))
        lines = read_lines(output)
        assert sum("candidate" in each for each in lines) == 4
        assert {(each["arm"], each["seed"]) for each in lines if "candidate" not in each} == {
            (arm, seed) for arm in ("plain", "good") for seed in (3, 4)
        }
        kept = {path.name: path.read_text() for path in (tmp_path / "kept").iterdir()}
        assert len(kept) == 4
        assert kept[archive_name(Run(grid["name"], "all", "good", 4))] == "0.8"


def test_an_archive_is_named_after_its_run():
    name = archive_name(Run("parsing, EWT", "10 %", "small, no text", 13))
    assert name == "parsing-EWT-10-small-no-text-13.tar.gz"


class TestProcesses:
    def test_one_that_fails_does_not_stop_the_others(self, tmp_path):
        def task(number):
            if number == 1:
                sys.exit(3)
            (tmp_path / str(number)).touch()

        with pytest.raises(RuntimeError, match=r"1 of 4 tasks failed: \[1\]"):
            run_all([partial(task, number) for number in range(4)], jobs=2, method="fork")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "2", "3"]

    def test_wants_a_job(self):
        with pytest.raises(ValueError, match="jobs must be at least 1, found 0"):
            run_all([], jobs=0)


ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("benchmarks/grids/*.json")), ids=lambda path: path.stem
)
def test_grids_are_whole(path):
    grid = json.loads(path.read_text())
    trials = list(search.trials_of(grid))
    configs = [overrides.get("config", grid["config"]) for _, overrides in runs_of(grid)]
    assert configs and all((ROOT / config).exists() for config in configs)
    assert all(trial.seed not in grid["seeds"] and trial.data in grid["data"] for trial in trials)
