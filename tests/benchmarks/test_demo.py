"""The demo's parts: its split, what it prints of a gap, and how a run is kept or resumed."""

import json
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from benchmarks.demo import data, measures, stock_archive, tasks, training
from tests.teachers.parsers import train_parser


def test_a_missing_treebank_is_one_error_with_the_command(monkeypatch):
    monkeypatch.setattr(data, "PACKAGE", "no-such-treebank")
    with pytest.raises(
        FileNotFoundError, match="no-such-treebank .*pip install --no-deps -r requirements"
    ):
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
        found += (
            (tmp_path / "out" / f"{name}.conllu").read_text(encoding="utf-8").split("\n\n")[:-1]
        )
    assert sorted(found) == sorted(rows)
    assert not list((tmp_path / "out").glob("*.partial"))


def test_share_of_equal_counts_words():
    assert measures.share_of_equal([["a", "b", "c"], ["a"]], [["a", "x", "c"], ["x"]]) == 0.5


def test_heads_and_labels_are_scored_as_trees_and_tags_as_tags():
    assert measures.scores_of([["N", "V"], ["N"]], [["N", "N"], ["N"]]) == {"accuracy": 2 / 3}
    gold = [[(2, "a"), (0, "root")], [(0, "root")]]
    found = [[(2, "b"), (0, "root")], [(1, "root")]]
    scores = measures.scores_of(found, gold)
    assert scores == {"UAS": 2 / 3, "LAS": 1 / 3}
    assert measures.scores_of(gold, gold) == {"UAS": 1.0, "LAS": 1.0}


def test_the_gap_is_printed_only_where_it_is_clear():
    assert measures.gap_recovered(0.90, 0.80, 0.85, deviation=0.01) == "50 % of 10.00 points"
    assert measures.gap_recovered(0.82, 0.80, 0.85, deviation=0.01).startswith(
        "no gap (2.00 points"
    )
    assert measures.gap_recovered(0.70, 0.80, 0.85, deviation=0.01).startswith("no gap")
    assert "not been measured" in measures.gap_recovered(0.9, 0.8, 0.85, deviation=None)


def test_the_deviation_is_of_the_gap():
    rounds = [
        {"teacher": 0.9, "plain": 0.8 + step, "distilled": 0.85} for step in (-0.01, 0.0, 0.01)
    ]
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
        metrics["validation_LAS"] = 0.25
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


def test_the_lines_show_what_the_task_is_measured_by(tmp_path, command, capsys):
    training.train(Path("c.jsonnet"), tmp_path / "run", "parser", {}, tmp_path, "LAS")
    assert "parser: epoch  1, dev LAS 25.0 %" in capsys.readouterr().out


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


def test_runs_are_where_the_configurations_look_for_them(monkeypatch):
    """The teacher's archive and the store."""
    from allennlp.common import Params

    monkeypatch.setenv("ALLENNLP_KD_DATA", "data")
    root = Path(tasks.__file__).resolve().parents[2]
    for task in tasks.TASKS:
        teacher = Params.from_file(str(root / task.configs / "distill.jsonnet"))["model"]["teacher"]
        assert teacher["directory"] == str(task.runs / "store")
        assert teacher["teacher"]["archive_file"] == str(task.runs / "teacher" / "model.tar.gz")
        for name in ("teacher", "student"):
            trainer = Params.from_file(str(root / task.configs / f"{name}.jsonnet"))["trainer"]
            assert trainer["validation_metric"] == f"+{task.metric}"


class TestOnTinyTrees:
    @pytest.fixture(scope="class")
    def archive(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("parser")
        return Path(train_parser(folder, False, kind="biaffine_parser_student", decoder="stock"))

    def test_a_student_becomes_stock_and_parses_the_same(self, archive, tmp_path):
        from allennlp.models import load_archive
        from allennlp_models.structured_prediction import BiaffineDependencyParser

        stock = tmp_path / "model.tar.gz"
        shutil.copy(archive, stock)
        test = archive.parent.parent / "trees.conllu"
        expected = measures.measure(stock, test)
        assert stock_archive.make_stock(stock) and not stock_archive.make_stock(stock)
        assert not list(tmp_path.glob(".stock-*"))
        loaded = load_archive(str(stock)).model
        assert type(loaded) is BiaffineDependencyParser
        weights = load_archive(str(archive)).model.state_dict()
        assert all(
            bool((value == weights[name]).all()) for name, value in loaded.state_dict().items()
        )
        found = measures.measure(stock, test)
        assert found["decoded"] == expected["decoded"] and found["scores"] == expected["scores"]
        assert set(found["scores"]) == {"UAS", "LAS"}
        assert found["parameters"] == expected["parameters"]
        sentence = "the old dog saw a cat .".split()
        decoded = measures.decode(stock, sentence)
        assert len(decoded) == 7 and all(0 <= head <= 7 for head, _ in decoded)

    def test_another_model_is_refused(self, tmp_path):
        (tmp_path / "config.json").write_text('{"model": {"type": "simple_tagger"}}')
        with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as file:
            file.add(tmp_path / "config.json", arcname="config.json")
        with pytest.raises(
            ValueError, match="holds a simple_tagger, expected one of biaffine_parser_st"
        ):
            stock_archive.make_stock(tmp_path / "model.tar.gz")
