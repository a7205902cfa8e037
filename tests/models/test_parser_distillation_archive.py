"""A parser distilled by `allennlp train`, and its archive, which needs nothing but itself."""

import json
import shutil
import sys
import tarfile

import pytest
import torch
from allennlp.commands import main
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.models import load_archive

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.models.biaffine_parser_student import BiaffineParserStudent
from tests.models.parsing import SENTENCES
from tests.teachers.parsers import conllu, parser_config, train_parser

# By name: the teacher of the reader's and the model's side, tags in teacher and student, objective.
KINDS = {
    "live": ("archive", False, False, {"type": "substructured"}),
    "live, tags": ("archive", True, False, {"type": "substructured", "parts": "arcs"}),
    "store": ("store", False, True, {"type": "substructured", "match": "scores"}),
    "store, tags": ("store", True, True, {"type": "substructured"}),
}


def config_of(folder, kind, fraction=1.0):
    source, teacher_tags, student_tags, objective = KINDS[kind]
    teacher = {"type": "archive", "archive_file": str(folder / "teacher" / "run" / "model.tar.gz")}
    if source == "store":
        store = str(folder / "store")
        teacher = {"type": "store", "directory": store, "teacher": teacher, "dtype": "float16"}
    config = {
        "dataset_reader": {
            "type": "distillation",
            "reader": {"type": "universal_dependencies"},
            "teacher": teacher,
            "labelled_fraction": fraction,
        },
        "train_data_path": str(folder / "train.conllu"),
        "validation_data_path": str(folder / "train.conllu"),
        "model": {
            "type": "distillation",
            "student": parser_config(student_tags, "biaffine_parser_student"),
            "teacher": teacher,
            "objective": objective,
            "alpha": 0.6,
        },
        "data_loader": {
            "batch_sampler": {"type": "bucket", "batch_size": 2, "sorting_keys": ["words"]}
        },
        "trainer": {
            "type": "resumable",
            "checkpointer": {"type": "whole"},
            "num_epochs": 2,
            "cuda_device": -1,
            "optimizer": {"type": "adam", "lr": 0.02},
            "callbacks": [{"type": "agreement"}],
            "validation_metric": "+LAS",
        },
    }
    return json.loads(json.dumps(config))  # to build an object is to use up its part


def prepare(folder, with_tags):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.conllu").write_text(conllu(), encoding="utf-8")
    # The labels come in another order.
    train_parser(folder / "teacher", with_tags, SENTENCES[::-1])


@pytest.fixture(scope="module", params=KINDS)
def run(request, tmp_path_factory):
    """The folder of a finished run, its data and its teacher, and what the run was."""
    folder = tmp_path_factory.mktemp("run") / "data"
    prepare(folder, KINDS[request.param][1])
    directory = folder.parent / "student"
    train_model(Params(config_of(folder, request.param)), str(directory))
    return directory, folder, request.param


def command(*arguments, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["allennlp", *map(str, arguments)])
    main()


def test_the_terms_are_in_the_metrics(run):
    metrics = json.loads((run[0] / "metrics.json").read_text())
    for part in ("training", "validation"):
        assert metrics[f"{part}_gold_loss"] > 0 and metrics[f"{part}_distillation_loss"] > 0
    assert 0 <= metrics["validation_agreement"] <= 1
    assert any(name.startswith("validation_agreement/") for name in metrics)
    assert 0 <= metrics["validation_LAS"] <= metrics["validation_UAS"] <= 1
    assert "training_LAS" not in metrics and "training_agreement" not in metrics


def test_the_archive_needs_neither_teacher_nor_any_path(run, tmp_path, monkeypatch):
    directory, folder, kind = run
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    archive = alone / "parser.tar.gz"
    shutil.copy(directory / "model.tar.gz", archive)
    shutil.copy(folder / "train.conllu", alone / "test.conllu")
    hidden = folder.with_name("hidden"), directory.with_name("hidden student")
    folder.rename(hidden[0]), directory.rename(hidden[1])
    try:
        model = load_archive(archive).model
        assert type(model) is BiaffineParserStudent
        with tarfile.open(archive) as file:
            weights = torch.load(file.extractfile("weights.th"))
        assert list(weights) == list(model.state_dict())
        assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())

        output = alone / "metrics.json"
        command(
            "evaluate", archive, alone / "test.conllu", "--output-file", output,
            monkeypatch=monkeypatch,
        )  # fmt: skip
        evaluated = json.loads(output.read_text())
        assert {"UAS", "LAS", "loss"} <= evaluated.keys() and "agreement" not in evaluated
        trained = json.loads((hidden[1] / "metrics.json").read_text())
        assert evaluated["LAS"] == pytest.approx(trained["best_validation_LAS"])

        given = {"sentence": "the old dog saw a cat"}
        if KINDS[kind][2]:  # the student embeds tags
            given = {"words": given["sentence"].split(), "pos": ["NOUN"] * 6}
        (alone / "in.jsonl").write_text(json.dumps(given) + "\n")
        command(
            "predict", archive, alone / "in.jsonl", "--output-file", alone / "out.jsonl",
            monkeypatch=monkeypatch,
        )  # fmt: skip
        predicted = json.loads((alone / "out.jsonl").read_text())
        assert predicted["words"] == "the old dog saw a cat".split()
        assert len(predicted["predicted_heads"]) == 6
        assert predicted["predicted_heads"].count(0) == 1
        assert set(predicted["predicted_dependencies"]) <= set(model.labels)
        command(
            "predict", archive, alone / "test.conllu", "--output-file", alone / "trees.jsonl",
            "--use-dataset-reader", "--silent",
            monkeypatch=monkeypatch,
        )  # fmt: skip
        lines = (alone / "trees.jsonl").read_text().splitlines()
        words = [json.loads(line)["words"] for line in lines]
        assert words == [each[0].split() for each in SENTENCES]
    finally:
        hidden[0].rename(folder), hidden[1].rename(directory)


def test_the_same_run_gives_the_same_weights_whether_the_teacher_is_live_or_stored(tmp_path):
    prepare(tmp_path, with_tags=False)
    found = []
    for kind in ("archive", "store"):
        config = config_of(tmp_path, "live", fraction=0.5)
        # Adam would make much of the rounding of a gradient that is 0.
        config["trainer"]["optimizer"] = {"type": "sgd", "lr": 0.1}
        if kind == "store":
            live = config["model"]["teacher"]
            teacher = {"type": "store", "directory": str(tmp_path / "store"), "teacher": live}
            config["model"]["teacher"] = config["dataset_reader"]["teacher"] = teacher
        directory = tmp_path / kind
        train_model(Params(json.loads(json.dumps(config))), str(directory))
        found.append(load_archive(directory / "model.tar.gz").model.state_dict())
    for name, expected in found[0].items():
        torch.testing.assert_close(found[1][name], expected, rtol=1e-4, atol=1e-5)


def test_a_student_without_tags_cannot_feed_a_teacher_that_embeds_them(tmp_path):
    prepare(tmp_path, with_tags=True)
    config = config_of(tmp_path, "live, tags")
    config["dataset_reader"]["reader"] = {"type": "conllu_tagging", "column": "xpos"}
    with pytest.raises(ConfigurationError, match="needs upos_tags, but the sentence .* has no"):
        train_model(Params(config), str(tmp_path / "run"))
