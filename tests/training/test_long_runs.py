"""Two thousand steps, with checkpoints, validation and all callbacks, do not take more memory."""

import gc
import json
from pathlib import Path

import pytest
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.training import TrainerCallback

import allennlp_kd.plugin  # noqa: F401
from benchmarks.killing.corpora import SIZES, write_corpora
from benchmarks.killing.experiments import TEACHER, experiment

STEPS = 2000
MOST_BYTES = 2 * 2**20  # in the last thousand steps
MOST_OBJECTS = 500  # so less than one in two steps


@TrainerCallback.register("memory_watch")
class MemoryWatch(TrainerCallback):
    """At the end of each epoch: steps, bytes in memory, objects and tensors alive."""

    found = []
    kept = []
    leak = 0

    def on_batch(self, *args, **kwargs):
        if self.leak:
            self.kept.append(torch.ones(self.leak))

    def on_epoch(self, trainer, *args, **kwargs):
        gc.collect()
        objects = gc.get_objects()
        tensors = sum(isinstance(each, torch.Tensor) for each in objects)
        self.found.append((trainer._total_batches_completed, taken(), len(objects), tensors))


def taken():
    """The bytes of the process's own memory: pages of files, which the kernel drops and loads
    again as it likes, do not count."""
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = dict(line.split(":", 1) for line in lines if ":" in line)
    return 1024 * sum(int(sizes[name].split()[0]) for name in ("RssAnon", "VmSwap"))


def growth(tmp_path, name, leak=0):
    data = tmp_path / "data"
    write_corpora(data)
    if "tagger" in name:
        train_model(Params(experiment(TEACHER, data, data)), str(data / TEACHER))
    config = experiment(name, data, tmp_path)
    config["data_loader"] = {"batch_size": 1, "shuffle": True}
    trainer = config["trainer"]
    del trainer["patience"]
    trainer["num_gradient_accumulation_steps"] = 1
    trainer["num_epochs"] = STEPS // SIZES["train"] + 1
    trainer["enable_default_callbacks"] = True
    trainer.setdefault("callbacks", []).append({"type": "memory_watch"})
    MemoryWatch.found, MemoryWatch.kept, MemoryWatch.leak = [], [], leak
    train_model(Params(json.loads(json.dumps(config))), str(tmp_path / "run"))
    assert MemoryWatch.found[-1][0] >= STEPS
    half = next(at for at, each in enumerate(MemoryWatch.found) if each[0] >= STEPS // 2)
    first, last = MemoryWatch.found[half], MemoryWatch.found[-1]
    return [after - before for before, after in zip(first[1:], last[1:])]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
class TestMemory:
    @pytest.mark.parametrize("name", ["tagger, store", "parser"])
    def test_does_not_grow(self, tmp_path, name):
        grown, objects, tensors = growth(tmp_path, name)
        print(f"{name}: {grown} bytes, {objects} objects, {tensors} tensors more")
        assert tensors == 0
        assert objects < MOST_OBJECTS
        assert grown < MOST_BYTES

    def test_growth_is_seen(self, tmp_path):
        # More than an earlier test may have left free for it: half a gigabyte.
        grown, objects, tensors = growth(tmp_path, "parser", leak=100_000)
        MemoryWatch.kept.clear()
        assert tensors > 500 and objects > MOST_OBJECTS and grown > MOST_BYTES
