"""The device that a benchmark runs on."""

import os
import platform
from contextlib import contextmanager, nullcontext
from typing import Callable, ContextManager, Dict, Iterator

import torch

from benchmarks.command import Unavailable

PRECISIONS = ("float32", "bfloat16 autocast")


def benchmark_device(quick: bool) -> torch.device:
    """The CUDA device; for a quick run the CPU where there is none.

    # Raises

    Unavailable
        If there is no CUDA device and the run is not quick.
    """
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    if not quick:
        raise Unavailable("torch finds no CUDA device; --quick runs on the CPU")
    return torch.device("cpu")


def device_name(device: torch.device) -> str:
    """What the card calls itself, or the kind of processor and its number of cores."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU ({platform.machine()}, {os.cpu_count()} cores)"


def autocast(device: torch.device, precision: str) -> ContextManager:
    """The context of a forward pass in one of `PRECISIONS`."""
    if precision == PRECISIONS[0]:
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def synchronized(function: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """The function, which returns when the device has finished its work."""

    def run() -> None:
        function()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return run


def cuda_peak_bytes(function: Callable[[], object], device: torch.device) -> int:
    """The most bytes of tensors on a CUDA device during a call, above those alive before it."""
    function()
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    function()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


@contextmanager
def full_float32() -> Iterator[None]:
    """Turns TF32 off, which cuDNN's recurrent layers take by default."""
    backends: Dict[str, object] = {
        "cudnn": torch.backends.cudnn,
        "cuda": torch.backends.cuda.matmul,
    }
    before = {name: backend.allow_tf32 for name, backend in backends.items()}
    try:
        for backend in backends.values():
            backend.allow_tf32 = False
        yield
    finally:
        for name, backend in backends.items():
            backend.allow_tf32 = before[name]
