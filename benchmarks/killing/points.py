"""Where a training kills itself, by name."""

import os
import signal
import tarfile
from typing import Any, Callable, Dict

Condition = Callable[..., bool]


def kill() -> None:
    """No handler runs, no buffer is written."""
    os.kill(os.getpid(), signal.SIGKILL)


def _always(*args: Any, **kwargs: Any) -> bool:
    return True


def before(owner: Any, name: str, nth: int = 1, when: Condition = _always) -> None:
    """Kills at the nth call of a function whose arguments fulfil a condition."""
    original, count = getattr(owner, name), [0]

    def replaced(*args: Any, **kwargs: Any) -> Any:
        count[0] += when(*args, **kwargs)
        if count[0] == nth:
            kill()
        return original(*args, **kwargs)

    setattr(owner, name, replaced)


def after(owner: Any, name: str, nth: int = 1, when: Condition = bool) -> None:
    """Kills after the nth call whose result fulfils a condition."""
    original, count = getattr(owner, name), [0]

    def replaced(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        count[0] += when(result)
        if count[0] == nth:
            kill()
        return result

    setattr(owner, name, replaced)


def points(experiment: str) -> Dict[str, Callable[[], None]]:
    """What to call in the process that is to be killed, by the name of the moment."""
    from allennlp.data import Vocabulary
    from allennlp.training import GradientDescentTrainer, gradient_descent_trainer
    from allennlp.training.metric_tracker import MetricTracker

    from allennlp_kd.teachers.store.potential_store import PotentialStore
    from allennlp_kd.training.checkpoint_manifest import CheckpointManifest
    from allennlp_kd.training.whole_checkpointer import WholeCheckpointer

    def of(start: str) -> Condition:
        return lambda self, path, *_: path.name.startswith(start)

    def validating(self: Any, batch: Any, for_training: bool) -> bool:
        return not for_training

    found = {
        "before the first step": lambda: after(Vocabulary, "save_to_files", when=_always),
        "during a step": lambda: before(GradientDescentTrainer, "rescale_gradients", 6),
        "within a checkpoint file": lambda: before(os, "fsync", 9),
        "between the checkpoint files": lambda: before(
            WholeCheckpointer, "_write", 2, of("training_state")
        ),
        "before the manifest": lambda: before(CheckpointManifest, "write", 2),
        "between checkpoint and best.th": lambda: after(
            WholeCheckpointer, "maybe_save_checkpoint", 2
        ),
        "while checkpoints are removed": lambda: before(WholeCheckpointer, "_remove", 3),
        "in validation": lambda: before(GradientDescentTrainer, "batch_outputs", 5, validating),
        "after patience ran out": lambda: after(MetricTracker, "should_stop_early"),
        "while archiving": lambda: before(tarfile.TarFile, "add", 3),
    }
    if experiment == "parser":  # its best weights are a moving average's
        found["while best.th is replaced"] = lambda: before(
            GradientDescentTrainer, "_save_model_state", 1
        )
    else:
        found["while best.th is replaced"] = lambda: before(
            gradient_descent_trainer, "hardlink_or_copy", 1
        )
    if "store" in experiment:
        found["while the store is made"] = lambda: before(os, "fsync", 1)
        found["while a shard is written"] = lambda: before(os, "fsync", 7)
        found["between shards"] = lambda: after(PotentialStore, "write", 2, _always)
    return found
