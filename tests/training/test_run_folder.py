"""A run whose configuration or last metrics were cut off by a kill."""

import json
import logging
from pathlib import Path

import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.training import util

from allennlp_kd.training.resumable_trainer import _measured

PARAMS = Params({"model": {"type": "x"}})


def recover(folder: Path) -> None:
    util.create_serialization_dir(PARAMS.duplicate(), str(folder), recover=True, force=False)


@pytest.mark.parametrize("content", [None, "", '{"model": {"ty', "[" * 100_000])
def test_without_a_checkpoint_the_training_starts_anew(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "out.log").write_text("")
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with caplog.at_level(logging.WARNING):
        recover(tmp_path)
    assert "no checkpoint was saved yet, so the training starts from the beginning" in caplog.text
    assert json.loads((tmp_path / "config.json").read_text()) == PARAMS.as_dict()


@pytest.mark.parametrize("content, fault", [(None, "is missing"), ("{", "is damaged")])
def test_checkpoints_of_an_unknown_configuration(content: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "model_state_e1_b0.th").write_bytes(b"")
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(
        ConfigurationError, match=f"config.json {fault}.*put the configuration of that run"
    ):
        recover(tmp_path)


def test_another_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("")
    with pytest.raises(ConfigurationError, match="You probably gave the wrong directory"):
        recover(tmp_path)
    assert not (tmp_path / "config.json").exists()


def test_a_whole_configuration_is_compared_as_ever(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model": {"type": "y"}}))
    with pytest.raises(ConfigurationError, match="does not match the configuration"):
        recover(tmp_path)


@pytest.mark.parametrize("content", ["", '{"epoch": 1, "valid', "[1]"])
def test_metrics_that_were_cut_off(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "metrics_epoch_1.json"
    assert _measured(path) == {}
    path.write_text(content)
    with caplog.at_level(logging.WARNING):
        assert _measured(path) == {}
    assert "metrics_epoch_1.json is damaged" in caplog.text and "no weights are lost" in caplog.text
    path.write_text('{"epoch": 1}')
    assert _measured(path) == {"epoch": 1}
