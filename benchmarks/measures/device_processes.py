"""A distillation under `DistributedDataParallel` in one process, with NCCL on a CUDA device and gloo on the CPU."""

import os
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from benchmarks.command import Options
from benchmarks.measures.steps import step
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.device import full_float32, synchronized
from benchmarks.setups.students import build
from benchmarks.setups.tagger import tagger
from benchmarks.setups.treebank import BATCH_SIZE, treebank

TOLERANCE = 1e-5


def measure(report: Report, options: Options, device: torch.device) -> None:
    """Adds the milliseconds of a step with and without, and how far loss and gradients are apart."""
    backend = "nccl" if device.type == "cuda" else "gloo"
    recipe = tagger("xpos", hidden_size=8) if options.quick else tagger("xpos")
    with tempfile.TemporaryDirectory() as folder:
        setup = build(
            recipe,
            treebank(),
            Path(folder),
            options.seed,
            max_instances=2 * BATCH_SIZE,
            warm_up=1,
            num_batches=1,
            device=device,
        )
        model, batch = setup.distilled["distilled"], setup.shuffled[0]
        with one_process(backend), full_float32():
            wrapped = DistributedDataParallel(
                model, device_ids=[device] if device.type == "cuda" else None
            )
            set_dropout(model, 0.0)
            alone, together = (_loss_and_gradients(each, model, batch) for each in (model, wrapped))
            steps = {
                "tagger: distillation, alone": lambda: step(model, batch),
                f"tagger: distillation, {backend}, one rank": lambda: _backward(wrapped, batch),
            }
            timings = alternate(
                {name: synchronized(each, device) for name, each in steps.items()}, options.rounds
            )
    report.add("ms, one batch", {name: 1000 * each.median for name, each in timings.items()})
    apart = max(
        float((one - other).abs().max()) / max(float(one.abs().max()), 1e-6)
        for one, other in zip(alone, together)
    )
    report.targets.append(Target(f"{backend}, one rank: difference from alone", apart, TOLERANCE))


def _backward(model: Any, batch: Dict[str, Any]) -> None:
    for parameter in model.parameters():
        parameter.grad = None
    model(**batch)["loss"].backward()


def _loss_and_gradients(runs: Any, model: Any, batch: Dict[str, Any]) -> List[Tensor]:
    for parameter in model.parameters():
        parameter.grad = None
    loss = runs(**batch)["loss"]
    loss.backward()
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    return [loss.detach(), *(gradient.clone() for gradient in gradients)]


def set_dropout(model: torch.nn.Module, rate: float) -> None:
    """Sets the rate of all dropout, that between recurrent layers included."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = rate
        elif isinstance(module, torch.nn.RNNBase):
            module.dropout = rate


@contextmanager
def one_process(backend: str) -> Iterator[None]:
    """A process group of this process alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    os.environ.setdefault("NCCL_SOCKET_IFNAME", "lo")
    dist.init_process_group(backend, init_method=address, world_size=1, rank=0)
    try:
        yield
    finally:
        dist.destroy_process_group()
