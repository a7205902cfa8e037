"""Encodes tensors as JSON values."""

import base64
from typing import Any

import numpy
import torch
from torch import Tensor

LARGEST_LIST = 4096  # numbers; lists are readable, but a hundred times slower to read


def packed(tensor: Tensor) -> Any:
    """Returns nested lists, or for a large tensor its type, shape and bytes (base64)."""
    if tensor.numel() <= LARGEST_LIST:
        return tensor.tolist()
    array = numpy.ascontiguousarray(tensor.detach().cpu().numpy())
    content = base64.b64encode(array.tobytes()).decode("ascii")
    return {"dtype": array.dtype.str, "shape": list(array.shape), "base64": content}


def unpacked(value: Any) -> Tensor:
    """The inverse of `packed`."""
    if not isinstance(value, dict):
        return torch.tensor(value)
    array = numpy.frombuffer(base64.b64decode(value["base64"]), dtype=value["dtype"])
    return torch.from_numpy(array.reshape(value["shape"]).copy())
