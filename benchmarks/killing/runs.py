"""Trainings in processes of their own, and what they leave."""

import hashlib
import json
import os
import signal
import sys
import tarfile
import time
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, Optional

SHARD = 8  # sentences: a store of several shards


def train(
    config: Dict[str, Any],
    directory: Path,
    arm: Optional[Callable[[], None]] = None,
    kill_after: Optional[float] = None,
) -> bool:
    """Trains, or goes on where there is something to go on from.

    The process is a fork of this one, which must not have trained anything itself.

    # Parameters

    config : `Dict[str, Any]`
    directory : `Path`
        The run's; what it prints goes to `output.txt` beside it.
    arm : `Callable[[], None]`, optional
        What the process does first, such as to kill itself at some point later.
    kill_after : `float`, optional
        Seconds after which the process is killed.

    # Returns

    `bool`
        Whether it was killed.

    # Raises

    RuntimeError
        If it failed.
    """
    child = os.fork()
    if child == 0:
        _run(config, directory, arm)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if status != 0:
        output = (directory.parent / "output.txt").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"the training in {directory} failed:\n{output[-3000:]}")
    return False


def _run(config: Dict[str, Any], directory: Path, arm: Optional[Callable[[], None]]) -> None:
    status = 1
    try:
        output = os.open(directory.parent / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(output, stream)
        from allennlp.commands.train import train_model
        from allennlp.common import Params

        from allennlp_kd.teachers.store.store_teacher import StoreTeacher

        StoreTeacher.SHARD = SHARD
        if arm is not None:
            arm()
        recover = (directory / "config.json").exists()
        train_model(Params(json.loads(json.dumps(config))), str(directory), recover=recover)
        status = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def weights(directory: Path) -> str:
    """A digest of the archive's weights and of the last epoch's, tensor by tensor."""
    import torch

    digest = hashlib.sha256()
    with tarfile.open(directory / "model.tar.gz") as archive:
        archived = torch.load(archive.extractfile("weights.th"))
    last = max(
        directory.glob("model_state_e*_b0.th"), key=lambda path: int(path.name.split("_")[2][1:])
    )
    for state in (archived, torch.load(last)):
        for name, tensor in sorted(state.items()):
            digest.update(name.encode() + str(tensor.dtype).encode() + str(tensor.shape).encode())
            digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
