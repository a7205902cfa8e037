"""Arrays in a safetensors file: a JSON header and raw numbers, without code."""

from typing import Dict, Mapping

import numpy
from safetensors import SafetensorError
from safetensors.numpy import load, save

from spacy_bridge.errors import PackageError

TYPES = ("float16", "float32", "int8", "uint8")
"""The number types of students."""


def dump_tensors(tensors: Mapping[str, numpy.ndarray]) -> bytes:
    """Returns a safetensors file with these arrays (float32, float16, int8 or uint8).

    # Raises

    ValueError
        If an array is of another type.
    """
    for name, array in tensors.items():
        if array.dtype.name not in TYPES:
            raise ValueError(f"{name} must be one of {', '.join(TYPES)}, found {array.dtype}")
    return save({name: numpy.asarray(tensors[name], order="C") for name in sorted(tensors)})


def load_tensors(content: bytes, where: str) -> Dict[str, numpy.ndarray]:
    """Reads the arrays of a safetensors file, read-only.

    # Raises

    PackageError
        If the content is not such a file, or has a type that students do not use.
    """
    try:
        tensors = load(content)
    except KeyError as error:
        raise PackageError(f"{where} has numbers of the unknown type {error}") from error
    except (SafetensorError, ValueError, TypeError) as error:
        raise PackageError(f"{where} is not a readable safetensors file: {error}") from error
    for name, array in tensors.items():
        if array.dtype.name not in TYPES:
            raise PackageError(
                f"{where}: {name!r} is of type {array.dtype}, expected one of {', '.join(TYPES)}"
            )
        array.flags.writeable = False
    return tensors
