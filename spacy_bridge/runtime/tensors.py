"""Arrays in a safetensors file: a JSON header, then raw numbers; no code can hide in it.

The format: https://huggingface.co/docs/safetensors. Its own package is not needed for the few types here.
"""

import json
import struct
from typing import Dict, Mapping

import numpy

from spacy_bridge.errors import PackageError

_TYPES = {"F32": numpy.dtype("<f4"), "F16": numpy.dtype("<f2"), "U8": numpy.dtype("u1")}
_NAMES = {kind: name for name, kind in _TYPES.items()}


def dump_tensors(tensors: Mapping[str, numpy.ndarray]) -> bytes:
    """The content of a safetensors file with these arrays (float32, float16 or uint8)."""
    header, body, place = {}, [], 0
    for name in sorted(tensors):
        array = numpy.ascontiguousarray(tensors[name])
        if array.dtype not in _NAMES:
            raise ValueError(f"{name} must be one of {sorted(_TYPES)}, found {array.dtype}")
        raw = array.tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [place, place + len(raw)],
        }
        body.append(raw)
        place += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(body)


def load_tensors(content: bytes, where: str) -> Dict[str, numpy.ndarray]:
    """The arrays of a safetensors file, read-only views of its content.

    # Raises

    PackageError
        If the content is no such file, or has a type that students do not use.
    """
    try:
        (size,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8 : 8 + size].decode("utf-8"))
        tensors = {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            start, end = entry["data_offsets"]
            raw = numpy.frombuffer(content, "u1")[8 + size + start : 8 + size + end]
            array = raw.view(_TYPES[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = array
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackageError(
            f"{where} is not a safetensors file that can be read: {error!r}"
        ) from error
    return tensors
