"""Compares the sizes in a configuration with the weights in its archive."""

from contextlib import contextmanager
from typing import Any, Dict, Iterator, List

import torch

from allennlp_kd.archives.archive_error import ArchiveError

_SMALL = 1_000_000
_EXTRA = 16_000_000
_TIMES = 3
"""A model may have this many times the numbers of its weights, plus `_EXTRA`: poolers and buffers
are not saved, and a resized embedding is built twice.
"""


def check_sizes(parts: Dict[str, Any], numbers: int, where: str) -> None:
    """Refuses a number in a configuration that is too large to be the size of anything in the
    weights.

    # Parameters

    parts : `Dict[str, Any]`
        Configurations, by what errors call them.
    numbers : `int`
        In all weights together.
    where : `str`
        The archive, for errors.

    # Raises

    ArchiveError
        If a number is larger than that of all weights together, and than a million.
    """
    most = max(_SMALL, numbers)
    waiting: List[Any] = [(parts, "")]
    while waiting:
        value, place = waiting.pop()
        if isinstance(value, dict):
            waiting += [
                (part, f"{place}.{key}" if place else str(key)) for key, part in value.items()
            ]
        elif isinstance(value, list):
            waiting += [(part, f"{place}.{number}") for number, part in enumerate(value)]
        elif isinstance(value, int) and abs(value) > most:
            raise ArchiveError(
                f"{where} has {place} = {value:,}, but its weights allow at most {most:,}"
            )


@contextmanager
def no_larger_than(numbers: int, where: str) -> Iterator[None]:
    """A context in which a model cannot have many more parameters than an archive's weights.

    Modules register a parameter before they fill it, and memory is taken when it is filled: so a model
    that would be too large ends before it is.

    # Parameters

    numbers : `int`
        In all weights together.
    where : `str`
        The archive, for errors.

    # Raises

    ArchiveError
        If there are more parameters.
    """
    most = _TIMES * numbers + _EXTRA
    counted = 0
    stock = {
        name: getattr(torch.nn.Module, name) for name in ("register_parameter", "register_buffer")
    }

    def counting(register: Any) -> Any:
        def wrapped(module: Any, name: str, value: Any, *rest: Any, **options: Any) -> None:
            nonlocal counted
            counted += value.numel() if isinstance(value, torch.Tensor) else 0
            if counted > most:
                raise ArchiveError(
                    f"the configuration of {where} asks for a model larger than its weights: over "
                    f"{most:,} numbers at {type(module).__name__}.{name}"
                )
            register(module, name, value, *rest, **options)

        return wrapped

    for name, register in stock.items():
        setattr(torch.nn.Module, name, counting(register))
    try:
        yield
    finally:
        for name, register in stock.items():
            setattr(torch.nn.Module, name, register)
