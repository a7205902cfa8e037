import argparse
import json

import pytest
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.commands.compare import KdCompare
from allennlp_kd.report.plots import plot_style
from tests.configs.corpora import SENTENCES
from tests.models.parsing import SENTENCES as TREES
from tests.teachers.archives import tagger_params, train_tagger
from tests.teachers.parsers import parser_config, train_parser


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    KdCompare().add_subparser(parser.add_subparsers())
    arguments = parser.parse_args(["kd-compare", *map(str, words)])
    arguments.func(arguments)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    """The folder of a stock tagger's run, and a labelled file."""
    folder = tmp_path_factory.mktemp("tagger")
    train_tagger(folder)
    return folder / "run", folder / "data" / "conll2000" / "test.txt"


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parser")
    train_parser(folder, with_tags=False)
    return folder / "run", folder / "trees.conllu"


def options(teacher, students, data, output, *more):
    return ["--teacher", teacher, "--student", *students, "--data", data, "--output", output, *more]


@pytest.mark.slow
def test_taggers(tagger, tmp_path):
    teacher, data = tagger
    params = tagger_params(tmp_path, encoder={"type": "pass_through", "input_dim": 4})
    params["train_data_path"] = params["validation_data_path"] = str(data)
    wrapped = {**params["model"], "type": "crf_tagger_student"}
    live = {"type": "archive", "archive_file": str(teacher / "model.tar.gz")}
    params["model"] = {"type": "distillation", "student": wrapped, "teacher": live}
    params["dataset_reader"] = {
        "type": "distillation", "reader": params["dataset_reader"], "teacher": live,
    }  # fmt: skip
    train_model(Params(json.loads(json.dumps(params))), str(tmp_path / "student"))
    students = [f"same={teacher / 'model.tar.gz'}", f"small={tmp_path / 'student'}"]
    run(*options(teacher, students, data, tmp_path / "report", "--plain", "small"))
    found = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    first, same, small = found["models"]
    # A teacher that is its own student.
    assert same["agreement"]["scores"] == {"agreement": 1.0} and same["differences"] == []
    assert same["scores"] == first["scores"] and same["bytes"] == first["bytes"]
    assert same["curves"] is None and small["curves"]["series"]["training_distillation_loss"]
    assert found["data"]["sentences"] == len(SENTENCES) and found["encoding"] == "BIO"
    trained = json.loads((teacher / "metrics_epoch_0.json").read_text())
    assert first["scores"]["accuracy"] == pytest.approx(trained["validation_accuracy"])
    assert first["scores"]["f1"] == pytest.approx(trained["validation_f1-measure-overall"])
    assert all(0 < row["confidence"] <= 1 for row in first["calibration"]["bins"] if row["words"])
    assert (tmp_path / "report" / "index.html").stat().st_size > 10_000


@pytest.mark.slow
def test_parsers(parser, tmp_path):
    teacher, data = parser
    params = {
        "dataset_reader": {"type": "universal_dependencies"},
        "train_data_path": str(data),
        "model": parser_config(False, "biaffine_parser_student"),
        "data_loader": {"batch_size": 2},
        "trainer": {"optimizer": "adam", "num_epochs": 1, "cuda_device": -1},
    }
    train_model(Params(params), str(tmp_path / "student"))
    students = [f"plain={tmp_path / 'student'}"]
    run(*options(teacher, students, data, tmp_path / "report", "--sentences", "2"))
    found = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert found["structure"] == "tree" and found["data"]["sentences"] == len(TREES)
    assert len(found["models"][1]["differences"]) <= 2
    assert 0 <= found["models"][1]["agreement"]["scores"]["agreement-heads"] <= 1
    assert "displacy" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_what_cannot_be_compared(tagger, parser, tmp_path):
    """One message each, and no report."""
    archive, data = tagger
    one, out = [f"one={archive}"], tmp_path / "report"
    unlabelled = tmp_path / "unlabelled.txt"
    unlabelled.write_text("")
    ragged = tmp_path / "ragged.txt"
    ragged.write_text("a b\n")
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (tmp_path / "file").write_text("")
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_text("no archive")
    refused = [
        (options(archive, ["one"], data, out), "--student must be NAME=PATH, found 'one'"),
        (options(archive, ["=x"], data, out), "--student must be NAME=PATH, found '=x'"),
        (options(archive, [*one, *one], data, out), "two students have the name 'one'"),
        (
            options(archive, [f"teacher={archive}"], data, out),
            "'teacher' cannot be the name of a student",
        ),
        (options(archive, one, data, out, "--plain", "two"), "must be one of one, found 'two'"),
        (options(archive, one, data, out, "--sentences", "-1"), "must be at least 0, found -1"),
        (
            options(archive, one, data, tmp_path / "file"),
            "--output must be a folder, found the file",
        ),
        (
            options(tmp_path / "no", one, data, out),
            "archive or training run of 'teacher' does not exist: .*no",
        ),
        (
            options(archive, ["one=/no"], data, out),
            "archive or training run of 'one' does not exist: /no",
        ),
        (options(archive, [f"one={unfinished}"], data, out), "'one' has no model.tar.gz"),
        (options(archive, [f"one={damaged}"], data, out), "damaged.tar.gz is damaged"),
        (options(archive, one, tmp_path / "no", out), "the file .*no to compare on does not exist"),
        (options(archive, one, ragged, out), "line 1: expected 3 columns, found 2"),
        (options(archive, one, unlabelled, out), "has no labeled sentence: none of the 0"),
        (
            options(archive, [f"tree={parser[0]}"], data, out),
            "the teacher's structure is chain, but the structure of the student 'tree' is tree",
        ),
    ]
    for arguments, message in refused:
        with pytest.raises(ConfigurationError, match=message):
            run(*arguments)
    assert not out.exists()


def test_without_matplotlib(tagger, tmp_path, monkeypatch):
    archive, data = tagger
    monkeypatch.setattr(plot_style, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"need matplotlib: install .*allennlp-kd\[report\]"):
        run(*options(archive, [f"one={archive}"], data, tmp_path / "report"))
