"""`allennlp train` of distillations on a CUDA device, against the same on the CPU."""

import json

import pytest
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.models import load_archive

import allennlp_kd.plugin  # noqa: F401
from tests.models.conftest import teacher_run  # noqa: F401
from tests.models.experiments import distillation_config
from tests.models.test_parser_distillation_archive import config_of, prepare

pytestmark = [pytest.mark.gpu, pytest.mark.slow]


def trained(config, folder, device):
    config = json.loads(json.dumps(config))
    config["trainer"]["cuda_device"] = device
    train_model(Params(config), str(folder))
    return json.loads((folder / "metrics.json").read_text())


def assert_equal_on_both(make, tmp_path):
    found = [trained(make(), tmp_path / f"run{device}", device) for device in (-1, 0)]
    for name in ("training_loss", "training_gold_loss", "training_distillation_loss"):
        assert found[0][name] == pytest.approx(found[1][name], rel=1e-3), name
    archive = load_archive(tmp_path / "run0" / "model.tar.gz", cuda_device=-1)
    assert all(each.device.type == "cpu" for each in archive.model.parameters())


@pytest.mark.parametrize("kind", ["archive", "store"])
def test_a_tagger_trains_as_on_the_cpu(kind, teacher_run, tmp_path):  # noqa: F811
    def make():
        config = distillation_config(teacher_run, kind)
        config["trainer"]["callbacks"] = []
        config["trainer"].pop("validation_metric")
        return config

    assert_equal_on_both(make, tmp_path)


@pytest.mark.parametrize("kind", ["live", "store"])
def test_a_parser_trains_as_on_the_cpu(kind, tmp_path):
    folder = tmp_path / "data"
    prepare(folder, with_tags=False)

    def make():
        config = config_of(folder, kind)
        config["model"]["student"]["dropout"] = 0.0  # devices draw other random numbers
        return config

    assert_equal_on_both(make, tmp_path)
