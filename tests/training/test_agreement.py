import json
import logging

import pytest
from allennlp.common.checks import ConfigurationError

from allennlp_kd.training.agreement import Agreement
from tests.models.tagging import tagger, vocabulary
from tests.training.loop import distillation, train

LOGGER = "allennlp_kd.training.agreement"


def test_the_shares_are_logged_and_metrics(tmp_path, caplog):
    model = distillation()
    with caplog.at_level(logging.INFO, logger=LOGGER):
        metrics = train(
            model, str(tmp_path), [[0, 1]], [Agreement("")], epochs=2, validation=[[2, 3], [0]]
        )
    labels = [name for name in metrics if name.startswith("validation_agreement/")]
    assert labels and "validation_agreement" in metrics
    assert all(name.split("/")[1] in model.student.labels for name in labels)
    with open(tmp_path / "metrics_epoch_1.json") as file:
        saved = json.load(file)
    assert {name: saved[name] for name in labels} == {name: metrics[name] for name in labels}
    records = [record for record in caplog.records if record.name == LOGGER]
    assert [record.levelname for record in records] == ["INFO", "INFO"]
    text = records[1].getMessage()
    assert text.startswith(f"agreement in epoch 1: {metrics['validation_agreement']:.4f}")
    for name in labels:
        assert f"{metrics[name]:.4f}" in text and name.split("/")[1] in text
    # The share of all words is the mean of the labels', by how often the teacher decodes each.
    shares = [metrics[name] for name in labels]
    assert min(shares) <= metrics["validation_agreement"] <= max(shares)


def test_without_a_validation_there_is_a_warning(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger=LOGGER):
        train(distillation(), str(tmp_path), [[0, 1]], [Agreement("")])
    records = [record for record in caplog.records if record.name == LOGGER]
    assert [record.levelname for record in records] == ["WARNING"]
    assert "no agreement in epoch 0" in caplog.text


def test_another_model_has_no_teacher_to_agree_with():
    class Trainer:
        model = tagger("crf_tagger_student", vocabulary())

    with pytest.raises(ConfigurationError, match="type distillation, found CrfTaggerStudent"):
        Agreement("").on_start(Trainer())
