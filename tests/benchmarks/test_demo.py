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


class Command:
    """Stands for `allennlp train`: keeps what it was told and writes one epoch."""

    def __init__(self) -> None:
        self.code, self.codes = 0, {}
        self.commands, self.existed, self.terminated = [], [], []

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
        return Started(self, run.name)


class Started:
    """Stands for the process; its code is that of its run, or of all."""

    def __init__(self, command: Command, name: str) -> None:
        self.command, self.name = command, name

    def poll(self):
        return self.command.codes.get(self.name, self.command.code)

    def terminate(self):
        self.command.terminated.append(self.name)

    def wait(self):
        pass


@pytest.fixture
def command(monkeypatch):
    found = Command()
    monkeypatch.setattr(training.subprocess, "Popen", found)
    monkeypatch.setattr(training, "POLL_SECONDS", 0.0)
    return found


def one(run: Path, **options) -> training.Training:
    return training.Training(Path("c.jsonnet"), run, options.pop("label", "teacher"), **options)


def test_a_finished_run_is_kept(tmp_path, command, capsys):
    task = one(tmp_path / "run", metric="accuracy", overrides={"random_seed": 1})
    for _ in range(2):
        training.train_all([task], tmp_path, jobs=1)
    assert len(command.commands) == 1 and "--recover" not in command.commands[0]
    assert command.commands[0][0] == sys.executable
    assert command.environment["ALLENNLP_KD_DATA"] == str(tmp_path)
    assert task.seconds is not None and task.seconds >= 0
    printed = capsys.readouterr().out
    assert "teacher: epoch  1, dev accuracy 50.0 %" in printed and "done before" in printed


def test_the_lines_show_what_the_task_is_measured_by(tmp_path, command, capsys):
    training.train_all([one(tmp_path / "run", metric="LAS", label="parser")], tmp_path, jobs=1)
    assert "parser: epoch  1, dev LAS 25.0 %" in capsys.readouterr().out


def test_a_half_run_is_resumed_and_one_without_a_checkpoint_begins_anew(tmp_path, command):
    run = tmp_path / "run"
    run.mkdir()
    training.train_all([one(run, metric="accuracy")], tmp_path, jobs=1)
    assert command.existed == [False] and "--recover" not in command.commands[0]
    (run / "finished.json").unlink()
    (run / "model_state_e1_b0.th").touch()
    training.train_all([one(run, metric="accuracy")], tmp_path, jobs=1)
    assert command.existed[1] and "--recover" in command.commands[1]


def test_a_failed_run_shows_its_log_and_is_not_finished(tmp_path, command):
    command.code = 3
    with pytest.raises(SystemExit, match=r"(?s)failed \(3\); .*what the command said"):
        training.train_all([one(tmp_path / "run", metric="accuracy")], tmp_path, jobs=1)
    assert not (tmp_path / "run" / "finished.json").exists()


def test_a_student_waits_for_its_teacher_and_others_do_not(tmp_path, command):
    finished = []
    teacher = one(tmp_path / "teacher", metric="LAS", finish=lambda path: finished.append(path))
    student = one(tmp_path / "student", metric="LAS", teacher=teacher.run)
    plain = one(tmp_path / "plain", metric="LAS")
    training.train_all([student, teacher, plain], tmp_path, jobs=2)
    runs = [Path(each[each.index("-s") + 1]).name for each in command.commands]
    assert runs == ["teacher", "plain", "student"]
    assert finished == [teacher.run / "model.tar.gz"]


def test_what_still_runs_is_stopped_where_one_fails(tmp_path, command):
    command.codes = {"bad": 1, "long": None}
    with pytest.raises(SystemExit, match="bad: `allennlp train` failed"):
        training.train_all(
            [one(tmp_path / name, metric="LAS", label=name) for name in ("long", "bad")],
            tmp_path,
            jobs=2,
        )
    assert command.terminated == ["long"]


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


def decoded(archive: Path, test: Path):
    """Heads and labels of each sentence of a file."""
    from allennlp.models import load_archive

    loaded = load_archive(str(archive))
    instances = list(loaded.validation_dataset_reader.read(str(test)))
    outputs = loaded.model.eval().forward_on_instances(instances)
    return [(each["predicted_heads"], each["predicted_dependencies"]) for each in outputs]


def points(**speeds):
    """Contenders with the scores 70, 80 and so on."""
    return {
        label: {
            "name": label.split(",")[0],
            "family": "teacher",
            "score": 70.0 + 10 * number,
            "words_per_second": speed,
            "megabytes": 1.5,
        }
        for number, (label, speed) in enumerate(speeds.items())
    }


def test_the_figure_is_ordered_by_speed_with_a_bar_for_the_score():
    lines = measures.figure(tasks.TASKS[1], points(slow=10.0, fast=4000.0, middle=500.0), width=4)
    assert lines.splitlines() == [
        "parser: LAS on test, by words per second",
        "         10  slow    |    | 70.00",
        "        500  middle  |####| 90.00",
        "      4,000  fast    |##  | 80.00",
    ]


def test_the_table_compares_with_the_teacher_under_allennlp():
    found = points(**{"teacher, allennlp predict": 100.0, "distilled, packaged": 3000.0})
    table = measures.table(tasks.TASKS[1], found, {"teacher": 60.0, "distilled": 30.0})
    row = [cell.strip() for cell in table.splitlines()[-1].strip("|").split("|")]
    assert row == ["distilled, packaged", "80.00", "3,000", "30 x", "1.5", "30"]


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
        expected = decoded(stock, test)
        assert stock_archive.make_stock(stock) and not stock_archive.make_stock(stock)
        assert not list(tmp_path.glob(".stock-*"))
        loaded = load_archive(str(stock)).model
        assert type(loaded) is BiaffineDependencyParser
        weights = load_archive(str(archive)).model.state_dict()
        assert all(
            bool((value == weights[name]).all()) for name, value in loaded.state_dict().items()
        )
        assert decoded(stock, test) == expected

    def test_another_model_is_refused(self, tmp_path):
        (tmp_path / "config.json").write_text('{"model": {"type": "simple_tagger"}}')
        with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as file:
            file.add(tmp_path / "config.json", arcname="config.json")
        with pytest.raises(
            ValueError, match="holds a simple_tagger, expected one of biaffine_parser_st"
        ):
            stock_archive.make_stock(tmp_path / "model.tar.gz")
