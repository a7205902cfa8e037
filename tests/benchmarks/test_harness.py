import itertools
import json
import re
from pathlib import Path

import pytest
import torch

from benchmarks import __main__ as entry, command, memory
from benchmarks.command import NoData, Options, settings
from benchmarks.memory import peak_bytes
from benchmarks.report import Report, Target
from benchmarks.rounds import Timing, alternate

MEGABYTE = 250_000  # floats


class TestAlternate:
    def test_times_each_once_a_round_in_turn(self):
        calls = []
        clock = itertools.count().__next__
        functions = {name: (lambda name=name: calls.append(name)) for name in "abc"}
        timings = alternate(functions, rounds=3, clock=clock)
        assert "".join(calls) == "abc" + "abc" + "bca" + "cab"
        assert all(timing.seconds == [1, 1, 1] for timing in timings.values())

    def test_a_repeated_call_counts_once(self):
        calls = []
        timings = alternate({"f": lambda: calls.append(1)}, 2, 4, itertools.count(0, 8).__next__)
        assert len(calls) == 1 + 2 * 4
        assert timings["f"].seconds == [2, 2]

    def test_the_median_is_not_the_mean(self):
        assert Timing([1.0, 100.0, 2.0]).median == 2.0

    @pytest.mark.parametrize("rounds, repeat", [(0, 1), (1, 0)])
    def test_refuses_nothing_to_do(self, rounds, repeat):
        with pytest.raises(ValueError, match=f"found {rounds} and {repeat}"):
            alternate({}, rounds, repeat)


class TestPeakBytes:
    def test_counts_what_is_alive_at_once(self):
        def step():
            for _ in range(5):
                one = torch.ones(MEGABYTE)
                del one
            return torch.ones(MEGABYTE), torch.ones(2 * MEGABYTE)

        assert peak_bytes(step) == pytest.approx(3e6, rel=0.01)

    def test_does_not_count_what_was_alive_before(self):
        before = torch.ones(8 * MEGABYTE)
        assert peak_bytes(lambda: before[:MEGABYTE] + 1) == pytest.approx(1e6, rel=0.01)

    def test_counts_the_backward_pass(self):
        weight = torch.ones(MEGABYTE, requires_grad=True)

        def step():
            weight.grad = None
            weight.exp().sum().backward()

        # The result of exp and the gradient; the sum's gradient is an expanded scalar.
        assert 2e6 <= peak_bytes(step) <= 3.1e6

    def test_freeing_older_tensors_makes_no_room(self):
        kept = {}

        def step():
            kept.clear()
            kept["tensor"] = torch.ones(MEGABYTE)

        assert peak_bytes(step) == pytest.approx(1e6, rel=0.01)

    def test_a_step_without_tensors(self):
        assert peak_bytes(lambda: None) == 0

    def test_a_step_of_which_events_were_lost_is_measured_again(self, monkeypatch):
        kept = [[], [memory.MARK, 5], [100, memory.MARK, 8, 4, -8, memory.MARK, -12]]
        monkeypatch.setattr(memory, "_changes", lambda step: kept.pop(0))
        assert peak_bytes(lambda: None) == 12

    def test_a_release_of_what_was_there_before_is_left_out(self, monkeypatch):
        changes = [memory.MARK, -100, 8, -8, -8, 100, 4, -100, memory.MARK]
        monkeypatch.setattr(memory, "_changes", lambda step: changes)
        assert peak_bytes(lambda: None) == 104

    def test_a_profiler_that_loses_all_events(self, monkeypatch):
        monkeypatch.setattr(memory, "_changes", lambda step: [])
        with pytest.raises(RuntimeError, match="lost events of a step, 5 times"):
            peak_bytes(lambda: None)


class TestReport:
    def report(self) -> Report:
        report = Report("name", settings(Options(False, 7, (1, 2), 5)))
        report.add("1 thread", {"stock": Timing([3.0, 1.0, 2.0]), "ours": Timing([1.0])})
        report.add("2 threads", {"stock": Timing([1.5])})
        report.targets = [Target("ours / stock", 0.5, 0.4), Target("faster", 2.0, 2.0, True)]
        return report

    def test_writes_what_was_measured(self, tmp_path):
        self.report().write(tmp_path / "new" / "out.json")
        content = json.loads((tmp_path / "new" / "out.json").read_text())
        assert content["medians"]["1 thread"] == {"stock": 2.0, "ours": 1.0}
        assert content["threads"] == 1 and content["seed"] == 5 and content["rounds"] == 7
        assert content["versions"]["torch"] == torch.__version__
        assert [(t["name"], t["measured"], t["bound"], t["met"]) for t in content["targets"]] == [
            ("ours / stock", 0.5, 0.4, False),
            ("faster", 2.0, 2.0, True),
        ]

    def test_the_table_shows_what_is_missed(self):
        lines = self.report().table().splitlines()
        assert [line for line in lines if line.startswith("| ours / stock")][0].endswith("NO |")
        assert [line for line in lines if line.startswith("| faster")][0].endswith("yes |")
        assert [line.split("|")[3].strip() for line in lines if line.startswith("| ours  ")][
            0
        ] == ""

    @pytest.mark.parametrize("measured, at_least, met", [(1.1, True, True), (1.1, False, False)])
    def test_the_sense_of_a_bound(self, measured, at_least, met):
        assert Target("x", measured, 1.0, at_least).met is met


class TestCommand:
    def test_prints_and_writes(self, tmp_path, capsys):
        output = tmp_path / "out.json"

        def measure(options):
            torch.set_num_threads(1)
            return Report("name", settings(options))

        threads = torch.get_num_threads()
        command.run("name", measure, ["--quick", "--output", str(output)], None)
        assert json.loads(output.read_text())["quick"] is True
        assert torch.get_num_threads() == threads
        assert "| name" in capsys.readouterr().out

    def test_missing_data_are_no_fault(self, tmp_path, capsys):
        def measure(options):
            raise NoData("ALLENNLP_KD_DATA is not set")

        output = tmp_path / "out.json"
        assert command.run("name", measure, ["--output", str(output)], None) is None
        assert "skipped: no data (ALLENNLP_KD_DATA is not set)" in capsys.readouterr().out
        assert not output.exists()

    def test_too_few_rounds_need_quick(self, tmp_path, capsys):
        arguments = ["--rounds", "3", "--output", str(tmp_path / "out.json")]
        with pytest.raises(SystemExit):
            command.run("name", lambda options: None, arguments, None)
        assert "at least 7, found 3" in capsys.readouterr().err

    def test_seven_rounds_one_and_two_threads(self, tmp_path):
        seen = []
        report = Report("name", {})
        output = tmp_path / "out.json"
        arguments = ["--output", str(output)]
        command.run("name", lambda options: seen.append(options) or report, arguments, None)
        assert seen == [Options(quick=False, rounds=7, threads=(1, 2), seed=13, output=output)]


class TestEntry:
    def test_each_is_described_and_can_be_run(self):
        text = (Path(entry.__file__).parent / "README.md").read_text(encoding="utf-8")
        assert sorted(re.findall(r"^\| `(\w+)` \| ", text, re.MULTILINE)) == entry.names()
        for name in entry.names():
            with pytest.raises(SystemExit) as stop:
                entry.main([name, "--nothing"])
            assert stop.value.code == 2

    @pytest.mark.parametrize("arguments, found", [([], "found none"), (["nothing"], "'nothing'")])
    def test_an_unknown_name_lists_the_known(self, arguments, found, capsys):
        assert entry.main(arguments) == 2
        error = capsys.readouterr().err
        assert found in error and "decoding" in error
