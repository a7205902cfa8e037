"""From `allennlp train` to the archive, which needs nothing but itself."""

import json
import shutil
import sys
import tarfile

import pytest
import spacy
import torch
from allennlp.commands import main
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.models.archival import load_archive

from allennlp_kd.models.crf_tagger_student import CrfTaggerStudent
from tests.models.experiments import distillation_config


@pytest.fixture(scope="module", params=["archive", "store"])
def run(request, teacher_run, tmp_path_factory):
    """The folder of a finished run, its data and its teacher."""
    data = tmp_path_factory.mktemp(request.param) / "data"
    shutil.copytree(teacher_run, data)
    config = distillation_config(data, request.param)
    with open(data / "config.json", "w") as file:
        json.dump(config, file)
    directory = data.parent / "student"
    train_model(Params(config), str(directory))
    return directory, data


def command(*arguments, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["allennlp", *map(str, arguments)])
    main()


def test_the_terms_are_in_the_metrics(run):
    directory, _ = run
    with open(directory / "metrics.json") as file:
        metrics = json.load(file)
    for part in ("training", "validation"):
        assert metrics[f"{part}_gold_loss"] > 0
        assert metrics[f"{part}_distillation_loss"] > 0
        assert f"{part}_loss" in metrics
    assert metrics["training_alpha"] == pytest.approx(0.6)
    assert 0 <= metrics["validation_agreement"] <= 1
    assert "training_agreement" not in metrics and "training_accuracy" not in metrics
    events = list((directory / "log").rglob("events*"))
    written = b"".join(path.read_bytes() for path in events)
    assert b"gold_loss" in written and b"distillation_loss" in written and b"agreement/" in written


def test_the_archive_needs_neither_teacher_nor_any_path(run, tmp_path, monkeypatch):
    directory, data = run
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    archive = alone / "tagger.tar.gz"
    shutil.copy(directory / "model.tar.gz", archive)
    shutil.copy(data / "dev.txt", alone / "test.txt")
    hidden = data.with_name("hidden"), directory.with_name("hidden student")
    data.rename(hidden[0]), directory.rename(hidden[1])
    try:
        model = load_archive(archive).model
        assert type(model) is CrfTaggerStudent
        with tarfile.open(archive) as file:
            weights = torch.load(file.extractfile("weights.th"))
            assert json.load(file.extractfile("config.json"))["model"]["type"] == "distillation"
        assert list(weights) == list(model.state_dict())
        assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())

        command(
            "evaluate", archive, alone / "test.txt", "--output-file", alone / "metrics.json",
            monkeypatch=monkeypatch,
        )  # fmt: skip
        with open(alone / "metrics.json") as file:
            evaluated = json.load(file)
        assert {"accuracy", "f1-measure-overall", "loss"} <= evaluated.keys()
        assert "agreement" not in evaluated

        spacy.blank("en").to_disk(alone / "english")
        with open(alone / "in.jsonl", "w") as file:
            file.write(json.dumps({"sentence": "the old dog saw a cat"}) + "\n")
        command(
            "predict", archive, alone / "in.jsonl", "--output-file", alone / "out.jsonl",
            "--predictor-args", json.dumps({"language": str(alone / "english")}),
            monkeypatch=monkeypatch,
        )  # fmt: skip
        with open(alone / "out.jsonl") as file:
            predicted = json.loads(file.read())
        assert predicted["words"] == "the old dog saw a cat".split()
        assert set(predicted["tags"]) <= set(model.labels) and len(predicted["tags"]) == 6
    finally:
        hidden[0].rename(data), hidden[1].rename(directory)


def test_a_kill_between_the_last_epoch_and_the_archive_is_recovered(run, tmp_path, monkeypatch):
    directory, data = run
    again = tmp_path / "again"

    class Killed(Exception):
        pass

    def kill(*args, **kwargs):
        raise Killed

    with open(data / "config.json") as file:
        config = json.load(file)
    with monkeypatch.context() as patch:
        patch.setattr("allennlp.commands.train.archive_model", kill)
        with pytest.raises(Killed):
            train_model(Params(json.loads(json.dumps(config))), str(again))
    assert (again / "best.th").exists() and not (again / "model.tar.gz").exists()
    train_model(Params(json.loads(json.dumps(config))), str(again), recover=True)
    # The same seed, so the same weights as in the run that was not killed.
    found = load_archive(again / "model.tar.gz").model.state_dict()
    expected = load_archive(directory / "model.tar.gz").model.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_an_interrupted_training_goes_on(run, tmp_path, monkeypatch):
    directory, data = run
    again = tmp_path / "again"
    with open(data / "config.json") as file:
        config = json.load(file)
    saved = []

    class Killed(Exception):
        pass

    def kill(self, trainer, epochs, batches):
        if saved:
            raise Killed
        saved.append(original(self, trainer, epochs, batches))
        return saved[-1]

    from allennlp.training.checkpointer import Checkpointer

    original = Checkpointer.maybe_save_checkpoint
    config["trainer"]["checkpointer"] = {"save_every_num_batches": 1}
    with monkeypatch.context() as patch:
        patch.setattr(Checkpointer, "maybe_save_checkpoint", kill)
        with pytest.raises(Killed):
            train_model(Params(json.loads(json.dumps(config))), str(again))
    train_model(Params(json.loads(json.dumps(config))), str(again), recover=True)
    with open(again / "metrics.json") as file:
        metrics = json.load(file)
    assert metrics["training_alpha"] == pytest.approx(0.6) and metrics["epoch"] == 1


def test_a_stock_configuration_changes_its_type_alone(teacher_run, tmp_path):
    """The student loads what stock has left."""
    archive = tmp_path / "archive"
    with tarfile.open(teacher_run / "run" / "model.tar.gz") as file:
        file.extractall(archive)
    config = json.loads((archive / "config.json").read_text())
    config["model"]["type"] = "crf_tagger_student"
    (archive / "config.json").write_text(json.dumps(config))
    model = load_archive(archive).model
    assert type(model) is CrfTaggerStudent
    stock = load_archive(teacher_run / "run" / "model.tar.gz").model.state_dict()
    assert all(torch.equal(stock[name], value) for name, value in model.state_dict().items())
