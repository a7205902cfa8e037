"""Loads an archive's weights across versions of `transformers`."""

import re
from typing import Any, Callable, Dict, Mapping, MutableMapping

import torch
from torch import Tensor
from torch.nn import Module

from allennlp_kd.archives.archive_error import ArchiveError

_LISTED = 5  # names in an error


def _counts(value: Tensor) -> bool:
    return torch.equal(value.flatten(), torch.arange(value.numel(), device=value.device))


def _zeros(value: Tensor) -> bool:
    return not value.any()


def _lower_triangle(value: Tensor) -> bool:
    return value.dim() > 1 and torch.equal(value, torch.ones_like(value).tril())


def _large_negative(value: Tensor) -> bool:
    return value.numel() == 1 and value.item() == -1e4


CONSTANT_BUFFERS: Dict[str, Callable[[Tensor], bool]] = {
    # transformers 2.9 to 4.30, in the embeddings of BERT and similar models: 0, 1, 2, ...
    "position_ids": _counts,
    # transformers 4.6 to 4.30, in the embeddings of BERT, RoBERTa and ELECTRA: zeros.
    "token_type_ids": _zeros,
    # transformers up to 4.30, in the attention of GPT-2: the causal mask, and the score of masked
    # positions.
    "attn.bias": _lower_triangle,
    "attn.masked_bias": _large_negative,
}
"""Name endings of constant buffers that some versions of `transformers` save with the weights and
others do not, and their values. Nothing is lost without them.
"""


def reconcile_buffers(module: Module, state: MutableMapping[str, Any], prefix: str = "") -> None:
    """Adds or removes constant buffers in a state dict for this version of `transformers`.

    Removes constant buffers that the module does not expect, and adds those that it expects and that
    are absent. Each other missing or unexpected entry stays as it is.

    # Parameters

    module : `Module`
        The module that is going to be loaded.
    state : `MutableMapping[str, Any]`
        Changed in place.
    prefix : `str`, optional (default = `""`)
        What precedes the module's own names in `state`.
    """
    expected = Module.state_dict(module)
    buffers = dict(module.named_buffers())
    for key in [key for key in state if key.startswith(prefix)]:
        name = key[len(prefix) :]
        if name not in expected and _is_constant(name, state[key], buffers.get(name)):
            del state[key]
    for name, value in buffers.items():
        if name in expected and prefix + name not in state and _is_constant(name, value, value):
            state[prefix + name] = value


def _is_constant(name: str, value: Tensor, built: Any) -> bool:
    ends = [end for end in CONSTANT_BUFFERS if f".{name}".endswith(f".{end}")]
    if not ends or not CONSTANT_BUFFERS[ends[0]](value):
        return False
    return built is None or torch.equal(value.to(built), built)


def load_weights(model: Module, weights: Mapping[str, Tensor], where: str) -> None:
    """Loads the weights of an archive, whichever version of `transformers` saved them.

    # Parameters

    model : `Module`
        A parameter that matches its class's `authorized_missing_keys` (as AllenNLP has them) may be absent.
    weights : `Mapping[str, Tensor]`
    where : `str`
        The archive, for errors.

    # Raises

    ArchiveError
        If a weight is missing, unexpected or of another shape.
    """
    state = dict(weights)
    reconcile_buffers(model, state)
    expected = model.state_dict()
    missing = [name for name in expected if name not in state and not _may_be_absent(name, model)]
    faults = [f"{name} is missing" for name in missing]
    faults += [f"{name} is unexpected" for name in state if name not in expected]
    faults += [
        f"{name} has shape {tuple(value.shape)}, expected {tuple(expected[name].shape)}"
        for name, value in state.items()
        if name in expected and value.shape != expected[name].shape
    ]
    if faults:
        more = len(faults) - _LISTED
        listed = "; ".join(faults[:_LISTED]) + (f"; and {more} more" if more > 0 else "")
        raise ArchiveError(f"the weights of {where} do not fit its configuration: {listed}")
    model.load_state_dict(state, strict=False)


def _may_be_absent(name: str, module: Module, prefix: str = "") -> bool:
    patterns = getattr(type(module), "authorized_missing_keys", None) or []
    if any(re.search(pattern, name[len(prefix) :]) for pattern in patterns):
        return True
    child = name[len(prefix) :].split(".")[0]
    inside = module._modules.get(child)
    return inside is not None and _may_be_absent(name, inside, f"{prefix}{child}.")
