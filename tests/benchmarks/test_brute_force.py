"""The brute force finds nothing wrong, and finds what is."""

import json

import pytest
import torch

from allennlp_kd.objectives.chain import scores
from benchmarks import __main__ as entry, brute_force
from benchmarks.enumeration.compare import Tally


def run(tmp_path, *arguments):
    output = tmp_path / "out.json"
    assert entry.main(["brute_force", "--output", str(output), *arguments]) == 0
    return json.loads(output.read_text())


def test_nothing_is_wrong(tmp_path, capsys):
    report = run(tmp_path, "--quick")
    assert report["targets"][0]["measured"] == 0 and report["targets"][0]["met"]
    compared = report["medians"]["comparisons"]
    assert {"chain, scores, centred", "tree, scores, centred", "tree, marginal"} <= set(compared)
    assert report["notes"]["comparisons"] == sum(compared.values()) > 500
    assert "seed 13" in capsys.readouterr().out


def test_a_wrong_value_is_found_and_runs_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scores, "_squares", lambda student, teacher, _: student.lengths * 1.0)
    report = run(tmp_path, "--quick")
    wrong = report["medians"]["wrong"]
    assert wrong["chain, scores, centred"] > 0 and wrong["chain, predictions"] == 0
    number = report["notes"]["examples"][0].split("batch ")[1].split(":")[0]
    assert f"batch {number}" in capsys.readouterr().out
    assert run(tmp_path, "--only", number)["targets"][0]["measured"] > 0


def test_a_batch_depends_on_its_seed_and_number_alone():
    tallies = []
    for numbers in ((3,), (2, 3)):
        for number in numbers:
            tally = Tally()
            brute_force.check_batch(tally, 5, number)
        tallies.append(tally)
    assert tallies[0] == tallies[1]


def test_processes_share_the_batches():
    whole, halves = Tally(), Tally()
    for number in range(4):
        brute_force.check_batch(whole, 5, number)
    for start in (0, 1):
        halves.add(brute_force.check_batches(range(4)[start::2], 5))
    assert halves == whole


@pytest.mark.slow
def test_in_several_processes(tmp_path):
    report = run(tmp_path, "--batches", "4", "--processes", "2")
    assert report["targets"][0]["met"] and report["notes"]["comparisons"] > 50


@pytest.mark.parametrize("found", [1.1, float("inf"), float("nan")])
def test_infinities_and_nan_are_no_near_miss(found):
    tally = Tally()
    tally.check("it", torch.tensor([found]), torch.tensor([1.0]), 1.0, 1e-7, "here")
    tally.check("it", torch.tensor([float("inf")]), torch.tensor([float("inf")]), 1.0, 1e-7, "here")
    tally.check_refused("refused", lambda: torch.zeros(1), "here")
    assert tally.wrong == {"it": 1, "refused": 1} and tally.compared == {"it": 2, "refused": 1}
