import argparse
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import spacy
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.common.util import SigTermReceived, install_sigterm_handler

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.commands.compare import KdCompare
from allennlp_kd.commands.distill import KdDistill, component, validation_metrics
from allennlp_kd.commands.errors import _print_one_line
from allennlp_kd.training.resumable_trainer import ResumableTrainer
from spacy_bridge import load_student
from tests.commands.test_init import chunks, run as init, trees
from tests.configs.corpora import write_corpora
from tests.spacy_bridge.archives import make_archive, tagger
from tests.teachers.archives import train_tagger
from tests.teachers.checkpoints import write_checkpoint
from tests.teachers.parsers import train_parser
from tests.teachers.stanza_models import TAGS, WORDS, write_download, write_models

ROOT = Path(__file__).resolve().parents[2]
ENTITIES = "B-PER O O B-LOC O"  # of the first sentence that Stanza's tiny models know


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    KdDistill().add_subparser(parser.add_subparsers())
    arguments = parser.parse_args(["kd-distill", *map(str, words)])
    arguments.func(arguments)


def compare(*words: str) -> None:
    parser = argparse.ArgumentParser()
    KdCompare().add_subparser(parser.add_subparsers())
    arguments = parser.parse_args(["kd-compare", *map(str, words)])
    arguments.func(arguments)


@pytest.fixture
def short(tmp_path, monkeypatch):
    """A folder to work in, and overrides that make a training short."""
    monkeypatch.chdir(tmp_path)
    return ["-o", json.dumps({"trainer.num_epochs": 2})]


@pytest.mark.slow
def test_from_an_archive_to_a_pipeline(tmp_path, short, capsys):
    corpora = write_corpora(tmp_path / "corpora")
    init(train_tagger(tmp_path / "tagger"), *chunks(corpora), "--no-estimate")
    run("distill.jsonnet", "-s", "runs/distill", "--package", "chunks", *short)
    said = capsys.readouterr().out
    assert "[1/4] score: the scores of all sentences are in the store" in said
    assert "[2/4] train: trained, f1-measure-overall on the dev set" in said
    assert "[3/4] compare: f1: teacher" in said and "report/index.html" in said
    folder = said.split('spacy.load("')[1].split('"')[0]
    nlp = spacy.load(folder)
    assert "chunks" in nlp("A small model tags this.").spans
    # Again: what is done is not done again.
    before = (tmp_path / "runs/distill/model.tar.gz").stat().st_mtime_ns
    run("distill.jsonnet", "-s", "runs/distill", "--package", "chunks", *short)
    assert "[2/4] train: already trained" in capsys.readouterr().out
    assert (tmp_path / "runs/distill/model.tar.gz").stat().st_mtime_ns == before


def archived(run):
    """The weights in a run's archive; `torch.save` writes equal bytes for equal weights."""
    with tarfile.open(run / "model.tar.gz") as archive:
        return archive.extractfile("weights.th").read()


@pytest.mark.slow
def test_an_interrupted_training_is_continued(tmp_path, short, capsys, monkeypatch):
    """By both signals, and each later than the one before."""
    corpora = write_corpora(tmp_path / "corpora")
    init(train_tagger(tmp_path / "tagger"), *chunks(corpora), "--no-estimate")
    metrics = {"trainer.num_epochs": 4, "trainer.validation_metric": ["-loss", "+accuracy"]}
    short[1] = json.dumps(metrics)
    whole, stopped = tmp_path / "runs/whole", tmp_path / "runs/stopped"
    run("distill.jsonnet", "-s", whole, *short)
    said = capsys.readouterr().out
    assert "train: trained, loss on the dev set " in said and ", accuracy on the dev set " in said
    original, before = ResumableTrainer._train_epoch, []

    def signalled(number, at):
        def train_epoch(self, epoch):
            if self._epochs_completed >= self._start_after_epochs_completed and epoch == at:
                before.append((stopped / "model.tar.gz").exists())
                os.kill(os.getpid(), number)
            return original(self, epoch)

        return train_epoch

    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    install_sigterm_handler()
    # A shell ignores SIGINT for the processes that it starts in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signals = [(signal.SIGINT, KeyboardInterrupt, 1), (signal.SIGTERM, SigTermReceived, 3)]
    try:
        for number, error, at in signals:
            with monkeypatch.context() as patch, pytest.raises(error):
                patch.setattr(ResumableTrainer, "_train_epoch", signalled(number, at))
                run("distill.jsonnet", "-s", stopped, *short)
            assert (stopped / "model.tar.gz").exists()  # of the best epoch so far
            assert not (stopped / "metrics.json").exists()
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    # It is no longer there when the training continues, so it cannot be taken for the student's.
    assert before == [False, False]
    for _ in range(2):
        capsys.readouterr()
        run("distill.jsonnet", "-s", stopped, *short)
        assert "train: recovered, loss on the dev set " in capsys.readouterr().out
        assert archived(stopped) == archived(whole)
        # A kill while AllenNLP writes the archive.
        os.truncate(stopped / "model.tar.gz", 1000)


@pytest.mark.slow
def test_from_a_checkpoint_to_a_pipeline(tmp_path, short, capsys):
    corpora = write_corpora(tmp_path / "corpora")
    labels = ["O", "B-NP", "I-NP", "B-VP", "I-VP", "B-PP"]
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "bert", labels)
    init(checkpoint, *chunks(corpora), "--no-estimate")
    assert "labels that the teacher lacks" not in capsys.readouterr().out
    run("distill.jsonnet", "-s", "runs/distill", "--package", "chunks", "--int8", *short)
    said = capsys.readouterr().out
    assert "[2/4] train: trained" in said
    assert "[3/4] compare: f1: teacher" in said
    report = json.loads(Path("runs/distill/report/report.json").read_text())
    teacher, student = report["models"]
    assert teacher["archive"] == str(checkpoint) and teacher["role"] == "teacher"
    assert teacher["parameters"] > 1000 and teacher["bytes"] > 4 * teacher["parameters"]
    assert teacher["words_per_second"] > 0 and teacher["calibration"]["ece"] >= 0
    assert 0 <= student["agreement"]["scores"]["agreement"] <= 1
    # The same comparison by hand: the teacher by its folder, and by the configuration.
    for name, given in (("folder", str(checkpoint)), ("configuration", "distill.jsonnet")):
        compare("--teacher", given, "--student", "student=runs/distill", "--data", chunks(corpora)[3],
                "--output", name)  # fmt: skip
        again = json.loads(Path(name, "report.json").read_text())["models"]
        assert [each["scores"] for each in again] == [each["scores"] for each in report["models"]]
    # A store that was filled elsewhere, without its teacher.
    config = Params.from_file("distill.jsonnet").as_dict(quiet=True)
    for side in ("dataset_reader", "model"):
        del config[side]["teacher"]["teacher"]
    Path("store.json").write_text(json.dumps(config))
    with pytest.raises(ConfigurationError, match="of another configuration .its dataset_reader, m"):
        run("store.json", "-s", "runs/distill", *short)
    run("store.json", "-s", "runs/stored", *short)
    assert "[3/3] compare: f1: teacher" in capsys.readouterr().out
    stored = json.loads(Path("runs/stored/report/report.json").read_text())["models"][0]
    assert stored["scores"] == teacher["scores"] and stored["words_per_second"] is None
    assert spacy.load(said.split('spacy.load("')[1].split('"')[0])("A small model.")


@pytest.fixture(scope="module")
def stanza_models(tmp_path_factory):
    pytest.importorskip("stanza", reason="the package stanza is not installed")
    folder = tmp_path_factory.mktemp("stanza") / "models"
    write_models(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("processor", ["ner", "pos", "depparse"])
def test_from_a_stanza_model_to_a_pipeline(processor, stanza_models, tmp_path, short, capsys):
    """From the folder that `stanza.download` leaves, with nothing else said."""
    corpora = write_corpora(tmp_path / "corpora")
    parts = ("pos", "depparse") if processor == "depparse" else (processor,)
    folder = write_download(stanza_models, tmp_path / "stanza", parts)
    files = trees(corpora)
    if processor != "depparse":
        path = tmp_path / "tagged.txt"
        tags = ENTITIES.split() if processor == "ner" else TAGS[0]
        path.write_text("".join(f"{word}\t{tag}\n" for word, tag in zip(WORDS[0], tags)))
        files = ["--train", path, "--dev", path]
    init(folder, *files, "--no-estimate")
    config = Params.from_file("distill.jsonnet").as_dict(quiet=True)
    assert config["model"]["teacher"]["teacher"] == {
        "type": "stanza", "model": str(folder), "language": "en", "processor": processor,
    }  # fmt: skip
    short[1] = json.dumps({**json.loads(short[1]), "model.labels": "shared"})
    run("distill.jsonnet", "-s", "runs/distill", "--package", "taught", *short)
    said = capsys.readouterr().out
    metric = {"ner": "f1", "pos": "accuracy", "depparse": "LAS"}[processor]
    assert f"[3/4] compare: {metric}: teacher" in said
    doc = spacy.load(said.split('spacy.load("')[1].split('"')[0])("Ann sleeps in Bonn.")
    found = {"ner": "ENT_IOB", "pos": "POS", "depparse": "DEP"}[processor]
    assert doc.has_annotation(found)
    assert "stanza" not in {type(each).__module__.split(".")[0] for each in doc}


@pytest.mark.slow
@pytest.mark.parametrize("structure", ["chain", "tree"])
def test_from_annotations_to_a_pipeline(structure, tmp_path, short, capsys):
    """The teacher is the gold itself, so the comparison must say that it is always right."""
    corpora = write_corpora(tmp_path / "corpora")
    files = chunks(corpora) if structure == "chain" else trees(corpora)
    silver = tmp_path / "silver.conllu"
    if structure == "chain":
        silver = tmp_path / "silver.txt"
        read = [[line.split() for line in path.read_text().splitlines()] for path in files[1::2]]
        lines = [f"{row[0]} {row[2]}" if row else "" for rows in read for row in [*rows, []]]
        silver.write_text("\n".join(lines))
    else:
        silver.write_text(files[1].read_text())
    init(silver, *files, "--no-estimate")
    run("distill.jsonnet", "-s", "runs/distill", "--package", "taught", *short)
    assert "[3/4] compare: " in capsys.readouterr().out
    report = json.loads(Path("runs/distill/report/report.json").read_text())
    teacher, student = report["models"]
    assert set(teacher["scores"].values()) == {1.0}
    for name in ("parameters", "bytes", "words_per_second", "calibration"):
        assert teacher[name] is None and student[name] is not None
    page = Path("runs/distill/report/index.html").read_text()
    assert "smaller on disk" not in page and "agreement" in page


@pytest.mark.slow
def test_sentences_without_annotation_learn_from_gold(tmp_path, short, capsys):
    corpora = write_corpora(tmp_path / "corpora")
    files = chunks(corpora)
    first = files[1].read_text().split("\n\n")[0]
    silver = tmp_path / "silver.txt"
    silver.write_text("\n".join(f"{line.split()[0]} B-NP" for line in first.splitlines()) + "\n")
    init(silver, *files, "--no-estimate")
    config = Path("distill.jsonnet").read_text()
    assert config.count("silver.txt" + '"') == 1
    Path("distill.jsonnet").write_text(
        config.replace('silver.txt"', 'silver.txt", missing: "skip"')
    )
    short[1] = json.dumps({**json.loads(short[1]), "model.labels": "shared"})
    run("distill.jsonnet", "-s", "runs/distill", *short)
    assert "[3/3] compare: " in capsys.readouterr().out
    data = json.loads(Path("runs/distill/report/report.json").read_text())["data"]
    assert (data["sentences"], data["unlabelled"]) == (1, 3)


@pytest.mark.slow
def test_from_a_parser_to_a_pipeline(tmp_path, short, capsys):
    corpora = write_corpora(tmp_path / "corpora")
    init(train_parser(tmp_path / "parser", False), *trees(corpora), "--no-estimate")
    run("distill.jsonnet", "-s", "runs/distill", "--package", "trees", *short)
    said = capsys.readouterr().out
    assert "compare: LAS: teacher" in said
    nlp = spacy.load(said.split('spacy.load("')[1].split('"')[0])
    assert nlp("A small model parses this.").has_annotation("DEP")


@pytest.mark.parametrize(
    "options, message",
    [
        (["--package", "my-package"], "of letters, digits and underscores, found 'my-package'"),
        (["--package", "x", "--language", "xy"], "must be a code that spaCy knows.*found 'xy'"),
        (["--int8"], "--int8 is for a package: name it with --package"),
        (["--component", "ner"], "--component is for a package"),
    ],
)
def test_what_cannot_be_packaged_is_refused_first(options, message):
    with pytest.raises(ConfigurationError, match=message):
        run("nowhere.jsonnet", "-s", "run", *options)


@pytest.mark.parametrize("wanted", ["f1", ["+f1", "loss"], [], None, 3])
def test_what_is_no_metric_is_refused_first(wanted, tmp_path):
    """AllenNLP would refuse it after the scoring, or end in a traceback."""
    teacher = {"type": "store", "directory": str(tmp_path / "store")}
    config = {"dataset_reader": {"type": "distillation", "teacher": teacher}}
    config["trainer"] = {"validation_metric": wanted}
    (tmp_path / "distill.json").write_text(json.dumps(config))
    with pytest.raises(ConfigurationError, match="validation_metric must be the name of a metric"):
        run(tmp_path / "distill.json", "-s", tmp_path / "run")


def test_the_metrics_of_a_training():
    assert validation_metrics({"trainer": {"num_epochs": 1}}) == ["loss"]
    assert validation_metrics({"trainer": {"validation_metric": "+f1"}}) == ["f1"]
    assert validation_metrics({"trainer": {"validation_metric": ["+f1", "-loss"]}}) == [
        "f1",
        "loss",
    ]


def test_the_component_of_a_student(tmp_path):
    """The same as that of `load_student`."""
    for tags, encoding, expected in [
        (["S", "I"], None, "senter"),
        (["NOUN", "VERB"], None, "pos"),
        (["NN", "VERB"], None, "tagger"),
        (["O", "B-NP", "I-NP"], "BIO", "chunker"),
        (["O", "B-PER", "I-PER"], "BIO", "ner"),
    ]:
        config = tagger(tags=tags, label_encoding=encoding)
        archive = make_archive(tmp_path / expected, config)
        assert component({**config["model"], "type": "crf_tagger_student"}, archive) == expected
        assert load_student(archive).pipe_names[-1] == expected
    assert component({"type": "biaffine_parser_student"}, Path("unread")) == "parser"


def test_a_finished_run_of_another_configuration(tmp_path):
    teacher = {"type": "store", "directory": "store"}
    config = {"dataset_reader": {"type": "distillation", "teacher": teacher}, "trainer": {"lr": 1}}
    (tmp_path / "distill.json").write_text(json.dumps(config))
    (tmp_path / "run").mkdir()
    (tmp_path / "run/model.tar.gz").touch()
    (tmp_path / "run/config.json").write_text(json.dumps({**config, "trainer": {"lr": 2}}))
    with pytest.raises(ConfigurationError, match=r"of another configuration \(its trainer is diff"):
        run(tmp_path / "distill.json", "-s", tmp_path / "run")


def in_a_process(folder, *words):
    """What the command prints, as a user sees it; aside from what AllenNLP prints before it starts."""
    (folder / ".allennlp_plugins").write_text("allennlp_kd.plugin\n")
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "allennlp", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    lines = result.stderr.splitlines()
    result.stderr = "\n".join(line for line in lines if "allennlp.common.plugins" not in line)
    return result


@pytest.mark.slow
def test_what_a_user_sees(tmp_path):
    """A line for each part, whether all goes well or the training fails."""
    corpora = write_corpora(tmp_path / "corpora")
    tagger = train_tagger(tmp_path / "tagger")
    options = [*chunks(corpora), "--output", "distill.jsonnet", "--no-estimate"]
    made = in_a_process(tmp_path, "kd-init", tagger, *options)
    assert made.returncode == 0 and "INFO" not in made.stdout + made.stderr
    assert made.stdout.splitlines()[-1].startswith(
        "Wrote distill.jsonnet. Next: allennlp kd-distill "
    )
    command = ["kd-distill", "distill.jsonnet", "-s", "runs/distill", "-o"]
    done = in_a_process(tmp_path, *command, json.dumps({"trainer.num_epochs": 1}))
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == 6 and all(line.startswith("[") for line in said), said
    assert "INFO" not in done.stderr and "tensor(" not in done.stderr
    assert "INFO" in (tmp_path / "runs/distill/out.log").read_text()
    command[3] = "runs/other"
    failed = in_a_process(tmp_path, *command, json.dumps({"model.student.encoder.input_dim": 3}))
    assert failed.returncode == 1 and "Traceback" not in failed.stderr + failed.stdout
    assert len([line for line in failed.stderr.splitlines() if line.startswith("error: ")]) == 1
    (tmp_path / "distill.jsonnet").write_text("{")
    wrong = in_a_process(tmp_path, *command[:4])
    assert "error: STATIC ERROR: distill.jsonnet" in wrong.stderr
    assert "Traceback" not in wrong.stderr


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SigTermReceived])
def test_an_interruption_is_one_line(kind, capsys):
    _print_one_line(kind, kind(), None)
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.slow
@pytest.mark.parametrize("more, lines", [([], 1), (["--traceback"], 5)])
def test_an_error_is_one_line(tmp_path, more, lines):
    (tmp_path / "config.json").write_text('{"dataset_reader": {"type": "conll2000"}}')
    result = in_a_process(tmp_path, "kd-distill", "config.json", "-s", "run", *more)
    assert result.returncode == 1
    said = [line for line in result.stderr.splitlines() if line.strip()]
    if more:
        assert "Traceback" in result.stderr and len(said) >= lines
    else:
        errors = [line for line in said if line.startswith("error: ")]
        assert len(errors) == 1 and "has no store to score into" in errors[0]
        assert "Traceback" not in result.stderr
