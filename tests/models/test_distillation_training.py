import json
import shutil

import pytest
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.models.archival import load_archive

from allennlp_kd.models.crf_tagger_student import CrfTaggerStudent
from tests.models.experiments import READER, distillation_config, experiment
from tests.models.tagging import tagger_config


def test_teacher_inputs_are_asked_for_where_the_reader_gives_none(teacher_run, tmp_path):
    config = distillation_config(teacher_run, "archive")
    config["dataset_reader"] = dict(READER)
    with pytest.raises(Exception, match='the dataset reader must be of type "distillation"'):
        train_model(Params(config), str(tmp_path / "run"))


def test_a_store_teaches_what_the_live_teacher_does(teacher_run, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(teacher_run, data)
    weights = []
    for name, kind in (("live", "archive"), ("filled", "store"), ("full", "store")):
        train_model(Params(distillation_config(data, kind)), str(tmp_path / name))
        weights.append(load_archive(tmp_path / name / "model.tar.gz").model.state_dict())
    for found in weights[1:]:
        for name, expected in weights[0].items():
            torch.testing.assert_close(found[name], expected, rtol=1e-5, atol=1e-6)


def test_the_student_does_not_depend_on_whether_the_teacher_runs(teacher_run, tmp_path):
    """The teacher draws random numbers when it scores, and the student's dropout does, too."""
    data = tmp_path / "data"
    shutil.copytree(teacher_run, data)
    encoder = {
        "type": "stacked_bidirectional_lstm",
        "input_size": 5,
        "hidden_size": 4,
        "num_layers": 1,
        "recurrent_dropout_probability": 0.3,
    }
    shutil.rmtree(data / "run")
    teacher = tagger_config("crf_tagger", label_encoding="BIO", encoder=encoder)
    train_model(Params(experiment(data, READER, teacher)), str(data / "run"))
    weights = []
    for name, kind in (("live", "archive"), ("filled", "store"), ("full", "store")):
        config = distillation_config(data, kind)
        config["model"]["student"]["dropout"] = 0.4
        train_model(Params(config), str(tmp_path / name))
        weights.append(load_archive(tmp_path / name / "model.tar.gz").model.state_dict())
    for name, expected in weights[1].items():
        assert torch.equal(weights[2][name], expected), name
        torch.testing.assert_close(weights[0][name], expected, rtol=1e-5, atol=1e-6)


def test_unlabelled_text_is_trained_on(teacher_run, tmp_path):
    config = distillation_config(teacher_run, "archive", callbacks=[])
    config["dataset_reader"]["labelled_fraction"] = 0.0
    config["validation_dataset_reader"] = dict(READER)  # of gold, and without the teacher
    config["trainer"]["validation_metric"] = "+f1-measure-overall"
    train_model(Params(config), str(tmp_path / "run"))
    with open(tmp_path / "run" / "metrics.json") as file:
        metrics = json.load(file)
    assert "training_gold_loss" not in metrics and metrics["training_distillation_loss"] > 0
    assert metrics["validation_gold_loss"] > 0 and metrics["validation_accuracy"] >= 0
    assert "validation_agreement" not in metrics


def test_validation_data_keeps_the_gold_that_training_is_not_given(teacher_run, tmp_path):
    config = distillation_config(teacher_run, "archive")
    config["dataset_reader"]["labelled_fraction"] = 0.0
    train_model(Params(config), str(tmp_path / "run"))
    with open(tmp_path / "run" / "metrics.json") as file:
        metrics = json.load(file)
    assert "training_gold_loss" not in metrics
    assert metrics["validation_gold_loss"] > 0 and "validation_f1-measure-overall" in metrics


@pytest.mark.slow
def test_two_processes_train_and_save(teacher_run, tmp_path):
    config = distillation_config(teacher_run, "archive")
    config["distributed"] = {"cuda_devices": [-1, -1]}
    config["data_loader"]["batch_size"] = 1
    train_model(Params(config), str(tmp_path / "run"), include_package=["allennlp_kd.plugin"])
    assert type(load_archive(tmp_path / "run" / "model.tar.gz").model) is CrfTaggerStudent
    with open(tmp_path / "run" / "metrics.json") as file:
        metrics = json.load(file)
    assert {"validation_f1-measure-overall", "validation_agreement"} <= metrics.keys()
    assert metrics["training_gold_loss"] > 0 and metrics["training_alpha"] == pytest.approx(0.6)
