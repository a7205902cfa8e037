"""`spacy train` with spaCy's default configuration, as its users run it."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

SECONDS = "seconds.json"
"""Beside the model: the CPU seconds of its training."""


def train(
    folder: Path,
    pipeline: List[str],
    train_docs: Path,
    dev_docs: Path,
    seed: int,
    vectors: Optional[Path] = None,
    max_steps: Optional[int] = None,
) -> float:
    """Trains a pipeline into `folder/model-best`, unless it is there; returns the CPU seconds.

    The configuration is that of `spacy init config --optimize efficiency`.

    # Raises

    ValueError
        If the pipeline that is there was trained with another `max_steps`.
    """
    if (folder / SECONDS).exists():
        found = json.loads((folder / SECONDS).read_text(encoding="utf-8"))
        if found.get("max_steps") != max_steps:
            raise ValueError(
                f"{folder} has a pipeline that was trained with max_steps "
                f"{found.get('max_steps')}, not {max_steps}: remove it, or use another folder"
            )
        return found["cpu"]
    from spacy.cli.init_config import init_config

    folder.mkdir(parents=True, exist_ok=True)
    config = init_config(lang="en", pipeline=pipeline, optimize="efficiency", gpu=False)
    if vectors is not None:
        config["components"]["tok2vec"]["model"]["embed"]["include_static_vectors"] = True
        config["paths"]["vectors"] = str(vectors)
    if max_steps is not None:
        config["training"]["max_steps"] = max_steps
    config.to_disk(folder / "config.cfg")
    command = [sys.executable, "-m", "spacy", "train", str(folder / "config.cfg")]
    command += ["--output", str(folder), "--system.seed", str(seed)]
    command += ["--paths.train", str(train_docs), "--paths.dev", str(dev_docs)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    found = {"cpu": seconds, "max_steps": max_steps}
    (folder / SECONDS).write_text(json.dumps(found) + "\n", encoding="utf-8")
    return seconds
