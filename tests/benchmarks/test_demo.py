"""The demo's parts: its split, what it prints of a gap, and how a run is kept or resumed."""
import json
import sys
from pathlib import Path

import pytest

from benchmarks.demo import data, measures, training


def test_a_missing_treebank_is_one_error_with_the_command(monkeypatch):
    monkeypatch.setattr(data, "PACKAGE", "no-such-treebank")
    with pytest.raises(FileNotFoundError, match="no-such-treebank .*pip install --no-deps -r requirements"):
        data.treebank_files()


def test_the_split_is_fixed_and_loses_nothing():
    sentences = [str(number) for number in range(4851)]
    parts = data.split(sentences)
    assert parts == data.split(list(sentences))
    assert [len(parts[name]) for name in ("test", "dev", "train")] == [800, 600, 3451]
    assert sorted(sum(parts.values(), [])) == sorted(sentences)


def test_prepare_writes_whole_sentences(tmp_path, monkeypatch):
    source = tmp_path / "source.conllu"
    rows = [f"1\tw{number}\t_\tX\tY\t_\t0\troot\t_\t_" for number in range(2000)]
    source.write_text("\n" + "\n\n".join(rows) + "\n\n", encoding="utf-8")
    monkeypatch.setattr(data, "treebank_files", lambda: [source])
    counts = data.prepare(tmp_path / "out")
    assert counts == {"test": 800, "dev": 600, "train": 600}
    found = []
    for name in counts:
        found += (tmp_path / "out" / f"{name}.conllu").read_text(encoding="utf-8").split("\n\n")[:-1]
    assert sorted(found) == sorted(rows)
    assert not list((tmp_path / "out").glob("*.partial"))


def test_share_of_equal_counts_words():
    assert measures.share_of_equal([["a", "b", "c"], ["a"]], [["a", "x", "c"], ["x"]]) == 0.5


def test_the_gap_is_printed_only_where_it_is_clear():
    assert measures.gap_recovered(0.90, 0.80, 0.85, deviation=0.01) == "50 % of 10.00 points"
    assert measures.gap_recovered(0.82, 0.80, 0.85, deviation=0.01).startswith("no gap (2.00 points")
    assert measures.gap_recovered(0.70, 0.80, 0.85, deviation=0.01).startswith("no gap")
    assert "not been measured" in measures.gap_recovered(0.9, 0.8, 0.85, deviation=None)


def test_the_deviation_is_of_the_gap():
    rounds = [{"teacher": 0.9, "plain": 0.8 + step, "distilled": 0.85} for step in (-0.01, 0.0, 0.01)]
    assert measures.deviation_of_gap(rounds) == pytest.approx(0.01)
    assert measures.deviation_of_gap(rounds[:1]) is None
    assert measures.summary(rounds)["mean"]["plain"] == pytest.approx(0.8)


def clocks(run: Path, *times: str) -> Path:
    run.mkdir()
    for epoch, time in enumerate(times):
        path = run / f"metrics_epoch_{epoch}.json"
        path.write_text(json.dumps({"training_duration": time}), encoding="utf-8")
    return run


def test_seconds_per_epoch_outlive_a_resumption(tmp_path):
    run = clocks(tmp_path / "run", "0:00:10.0", "0:00:20.0", "0:00:09.0", "0:00:20.0")
    assert training.seconds_per_epoch(run) == 10.0


class Command:
    """Stands for `allennlp train`: keeps what it was told and writes one epoch."""

    def __init__(self, code: int = 0) -> None:
        self.code, self.commands, self.existed = code, [], []

    def __call__(self, command, **options):
        run = Path(command[command.index("-s") + 1])
        self.commands.append(command)
        self.existed.append(run.exists())
        self.environment = options["env"]
        run.mkdir(exist_ok=True)
        metrics = {"epoch": 0, "validation_accuracy": 0.5, "training_duration": "0:00:01"}
        (run / "metrics_epoch_0.json").write_text(json.dumps(metrics), encoding="utf-8")
        options["stdout"].write("what the command said\n")
        options["stdout"].flush()
        return self

    def poll(self):
        return self.code

    @property
    def returncode(self):
        return self.code


@pytest.fixture
def command(monkeypatch):
    found = Command()
    monkeypatch.setattr(training.subprocess, "Popen", found)
    return found


def test_a_finished_run_is_kept(tmp_path, command, capsys):
    for _ in range(2):
        training.train(Path("c.jsonnet"), tmp_path / "run", "teacher", {"random_seed": 1}, tmp_path)
    assert len(command.commands) == 1 and "--recover" not in command.commands[0]
    assert command.commands[0][0] == sys.executable
    assert command.environment["ALLENNLP_KD_DATA"] == str(tmp_path)
    printed = capsys.readouterr().out
    assert "teacher: epoch  1, dev accuracy 50.0 %" in printed and "done before" in printed


def test_a_half_run_is_resumed_and_one_without_a_checkpoint_begins_anew(tmp_path, command):
    run = tmp_path / "run"
    run.mkdir()
    training.train(Path("c.jsonnet"), run, "teacher", {}, tmp_path)
    assert command.existed == [False] and "--recover" not in command.commands[0]
    (run / "finished.json").unlink()
    (run / "model_state_e1_b0.th").touch()
    training.train(Path("c.jsonnet"), run, "teacher", {}, tmp_path)
    assert command.existed[1] and "--recover" in command.commands[1]


def test_a_failed_run_shows_its_log_and_is_not_finished(tmp_path, command):
    command.code = 3
    with pytest.raises(SystemExit, match=r"(?s)failed \(3\); .*what the command said"):
        training.train(Path("c.jsonnet"), tmp_path / "run", "teacher", {}, tmp_path)
    assert not (tmp_path / "run" / "finished.json").exists()
