"""Two thousand steps, with checkpoints, validation and all callbacks, do not take more memory."""

import gc
import json
import os
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
PAGE = os.sysconf("SC_PAGE_SIZE")
MOST = 2 * 2**20  # bytes in the last thousand steps: one small tensor a step would take more


@TrainerCallback.register("memory_watch")
class MemoryWatch(TrainerCallback):
    """At the end of each epoch: steps, bytes in memory, tensors alive."""

    found = []
    kept = []
    leak = 0

    def on_batch(self, *args, **kwargs):
        if self.leak:
            self.kept.append(torch.ones(self.leak))

    def on_epoch(self, trainer, *args, **kwargs):
        gc.collect()
        tensors = sum(isinstance(each, torch.Tensor) for each in gc.get_objects())
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.found.append((trainer._total_batches_completed, pages * PAGE, tensors))


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
    return last[1] - first[1], last[2] - first[2]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
class TestMemory:
    @pytest.mark.parametrize("name", ["tagger, store", "parser"])
    def test_does_not_grow(self, tmp_path, name):
        grown, tensors = growth(tmp_path, name)
        print(f"{name}: {grown} bytes, {tensors} tensors more")
        assert tensors == 0
        assert grown < MOST

    def test_growth_is_seen(self, tmp_path):
        grown, tensors = growth(tmp_path, "parser", leak=700)
        assert tensors > 500 and grown > MOST
