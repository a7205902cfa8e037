"""Weights from a file of torch, with nothing in it run."""
import inspect
import io
import pickle
from types import SimpleNamespace
from typing import Any, BinaryIO, Dict

import numpy
import torch

from spacy_bridge.runtime.errors import BridgeError

_ALLOWED = {("collections", "OrderedDict"), ("torch", "Size")}
_ALLOWED |= {("torch._utils", f"_rebuild_{name}") for name in ("tensor", "tensor_v2", "parameter")}
_ALLOWED |= {
    ("torch", f"{name}Storage")
    for name in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
}


class _WeightsUnpickler(pickle.Unpickler):
    """Knows the few names that tensors are made of. For torch before 1.13, which has no `weights_only`."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")
        return super().find_class(module, name)


def _load(file: BinaryIO, **options: Any) -> Any:
    return _WeightsUnpickler(file, **options).load()


def load_weights(content: bytes, where: str) -> Dict[str, numpy.ndarray]:
    """The arrays of a state dict, floating ones as float32.

    # Raises

    BridgeError
        If the file is damaged, or holds anything but tensors.
    """
    if "weights_only" in inspect.signature(torch.load).parameters:
        options: Dict[str, Any] = {"weights_only": True}
    else:
        module = SimpleNamespace(Unpickler=_WeightsUnpickler, load=_load, __name__="weights")
        options = {"pickle_module": module}
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", **options)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        raise BridgeError(f"{where}: the weights cannot be read: {error}") from error
    weights = {}
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise BridgeError(f"{where}: the weights hold {name!r}, which is no tensor")
        value = value.detach()
        weights[name] = (value.float() if value.is_floating_point() else value).numpy()
    return weights
