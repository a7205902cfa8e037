"""`allennlp train` with two processes, from a store that is complete."""

import json
import re
import shutil

import pytest
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.models import load_archive

from tests.models import never_opened
from tests.models.experiments import distillation_config
from tests.models.test_parser_distillation_archive import config_of, prepare


def configured(task, folder, teacher_run):
    if task == "tagger":
        shutil.copytree(teacher_run, folder)
        config = distillation_config(folder, "store")
        config["data_loader"]["batch_size"] = 1
        # Stock's tensorboard opens its files in each process.
        callbacks = config["trainer"]["callbacks"]
        config["trainer"]["callbacks"] = [
            each for each in callbacks if each["type"] != "tensorboard"
        ]
        return config
    prepare(folder, with_tags=False)
    config = config_of(folder, "store", fraction=0.5)
    config["data_loader"] = {"batch_size": 1}
    return config


@pytest.mark.slow
@pytest.mark.parametrize("task", ["tagger", "parser"])
def test_two_processes_train_without_the_teacher(task, teacher_run, tmp_path, monkeypatch):
    folder = tmp_path / "data"
    config = configured(task, folder, teacher_run)
    train_model(Params(json.loads(json.dumps(config))), str(tmp_path / "one"))  # fills the store
    store = {path: path.read_bytes() for path in (folder / "store").iterdir() if path.is_file()}

    processes = tmp_path / "processes"
    processes.mkdir()
    monkeypatch.setenv(never_opened.FOLDER, str(processes))
    config["distributed"] = {"cuda_devices": [-1, -1]}
    run = tmp_path / "run"
    train_model(
        Params(config),
        str(run),
        include_package=["allennlp_kd.plugin", "tests.models.never_opened"],
    )
    assert load_archive(run / "model.tar.gz").model is not None
    metrics = json.loads((run / "metrics.json").read_text())
    quality = {"tagger": "f1-measure-overall", "parser": "LAS"}[task]
    assert 0 <= metrics[f"validation_{quality}"] <= 1 and 0 <= metrics["validation_agreement"] <= 1
    assert metrics["training_gold_loss"] > 0 and metrics["training_distillation_loss"] > 0
    assert {path: path.read_bytes() for path in store} == store

    written = {each.name: set(each.read_text().split("\n")) for each in processes.iterdir()}
    assert len(written) == 2
    inside = [
        # Beside the log of each, and the lock that reading a vocabulary takes.
        {
            name
            for name in names
            if str(run) in name and not re.search(r"/out_worker|/\.lock$", name)
        }
        for names in written.values()
    ]
    assert sorted(map(bool, inside)) == [False, True], inside
