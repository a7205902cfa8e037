"""How the algorithms run: in float32 at least, without autocast, outside of compiled graphs."""

from functools import wraps
from typing import Any, Callable, TypeVar, cast

import torch
from torch import Tensor

Function = TypeVar("Function", bound=Callable[..., Any])
_DEVICES = ("cpu", "cuda")


def at_least_single(*dtypes: torch.dtype) -> torch.dtype:
    """The type that these are promoted to, float32 at least."""
    found = torch.float32
    for dtype in dtypes:
        if dtype != found:
            found = torch.promote_types(found, dtype)
    return found


def raised(scores: Tensor) -> Tensor:
    """Half precision raised to single; wider types as they are."""
    return scores.to(at_least_single(scores.dtype))


def exact(function: Function) -> Function:
    """Runs a function without autocast and, under `torch.compile`, outside of the graph.

    Sums over structures need more than half precision. Their gradients are in closed form or taken
    inside of the function, which `torch.compile` does not trace faithfully. So the graph breaks
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


# `torch.compiler` came with torch 2.
_is_compiling: Callable[[], bool] = getattr(
    getattr(torch, "compiler", None), "is_compiling", _never
)


def _autocast_is_on() -> bool:
    if hasattr(torch, "get_autocast_dtype"):
        return any(torch.is_autocast_enabled(device) for device in _DEVICES)
    return torch.is_autocast_enabled() or torch.is_autocast_cpu_enabled()
