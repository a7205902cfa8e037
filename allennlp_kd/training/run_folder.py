"""Continues a run whose folder lost only its `config.json`."""

import functools
import json
import logging
import os
from pathlib import Path
from typing import Any

from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.training import util

logger = logging.getLogger(__name__)

CONFIG = "config.json"
_STATES = "model_state_*"
_EARLY = {CONFIG, "meta.json", "out.log", "log", "vocabulary"}
"""The files that a run writes before its first checkpoint."""


def restore_config(params: Params, folder: Path) -> None:
    """Writes the configuration again if the run was killed while writing it.

    # Raises

    ConfigurationError
        If the folder has checkpoints: their configuration is unknown.
    """
    path = folder / CONFIG
    fault = "is missing"
    if path.is_file():
        try:
            json.loads(path.read_bytes())
            return
        except (ValueError, RecursionError) as error:
            fault = f"is damaged ({error})"
    if fault == "is missing" and not set(os.listdir(folder)) <= _EARLY | {
        file.name for file in folder.glob(_STATES)
    }:
        return  # AllenNLP says that this may be the wrong folder
    if any(folder.glob(_STATES)):
        raise ConfigurationError(
            f"{path} {fault}, so the configuration of the checkpoints in its folder is unknown: put "
            "the configuration of that run there as JSON, or train in another folder"
        )
    logger.warning(
        "%s %s; no checkpoint was saved yet, so the training starts from the beginning.",
        path,
        fault,
    )
    params.to_file(str(path))


def watch_run_folders() -> None:
    """Lets `allennlp train --recover` continue where AllenNLP's own check fails. Further calls have
    no effect.
    """
    stock = util.create_serialization_dir
    if hasattr(stock, "_restores"):
        return

    @functools.wraps(stock)
    def create(params: Params, folder: Any, recover: bool, force: bool) -> None:
        if recover and not force and os.path.isdir(folder) and os.listdir(folder):
            restore_config(params, Path(folder))
        stock(params, folder, recover, force)

    create._restores = True  # type: ignore[attr-defined]
    util.create_serialization_dir = create
