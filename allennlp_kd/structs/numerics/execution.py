"""Runs algorithms in at least float32, without autocast, and outside compiled graphs."""

from functools import wraps
from typing import Any, Callable, TypeVar, cast

import torch
from torch import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])
_DEVICES = ("cpu", "cuda")


def at_least_single(*dtypes: torch.dtype) -> torch.dtype:
    """Returns the common type of these tensors, at least float32."""
    found = torch.float32
    for dtype in dtypes:
        if dtype != found:
            found = torch.promote_types(found, dtype)
    return found


def raised(scores: Tensor) -> Tensor:
    """Converts half precision to float32; wider types are kept."""
    return scores.to(at_least_single(scores.dtype))


def exact(function: Function) -> Function:
    """A decorator that runs a function without autocast and, under `torch.compile`, outside the
    graph.

    Sums over structures need more than half precision. Their gradients are in closed form or taken
    inside the function, which `torch.compile` does not trace faithfully. So the graph breaks
    here, and the function runs as it always does.
    """

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if _is_compiling():
            return torch.compiler.disable(function)(*args, **kwargs)
        if not _autocast_is_on():
            return function(*args, **kwargs)
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            return function(*args, **kwargs)

    return cast(Function, run)


def _never() -> bool:
    return False


# `torch.compiler` was added in torch 2.
_is_compiling: Callable[[], bool] = getattr(
    getattr(torch, "compiler", None), "is_compiling", _never
)


def _autocast_is_on() -> bool:
    if hasattr(torch, "get_autocast_dtype"):
        return any(torch.is_autocast_enabled(device) for device in _DEVICES)
    return torch.is_autocast_enabled() or torch.is_autocast_cpu_enabled()
