import pytest
from allennlp.commands.train import train_model
from allennlp.common import Params

import allennlp_kd.plugin  # noqa: F401
from tests.models.experiments import READER, experiment, write_data
from tests.models.tagging import tagger_config


@pytest.fixture(scope="module")
def teacher_run(tmp_path_factory):
    """Data, and an archive that a stock tagger has left."""
    directory = tmp_path_factory.mktemp("teacher")
    write_data(directory)
    config = experiment(directory, READER, tagger_config("crf_tagger", label_encoding="BIO"))
    train_model(Params(config), str(directory / "run"))
    return directory
