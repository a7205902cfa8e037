"""Selects the transformer layers that a student keeps, and their weights."""

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Union

from allennlp.common.checks import ConfigurationError
from torch import Tensor
from torch.nn import Module, ModuleList
from transformers import PretrainedConfig

NOT_WEIGHTS = re.compile(r"(^|\.)(position_ids|token_type_ids)$|^pooler\.")
"""Keys of a transformer's state that no embedder needs: constant buffers, which differ between
versions of `transformers`, and the pooler, which reads only the first word piece.
"""


def layer_list_name(transformer: Module, depth: int) -> str:
    """Returns the name of the `ModuleList` that holds the layers, such as `"encoder.layer"`.

    # Parameters

    transformer : `Module`
        A base model (`AutoModel`), with an encoder of `depth` layers.

    # Raises

    ConfigurationError
        If no list of this length is found, or more than one.
    """
    found: List[str] = []
    for name, module in transformer.named_modules():
        if isinstance(module, ModuleList) and len(module) == depth:
            if not any(name.startswith(outer + ".") for outer in found):
                found.append(name)
    if len(found) != 1:
        raise ConfigurationError(
            f"layers can be chosen only if a single list holds all {depth} layers of an encoder "
            f"(as 'encoder.layer' does in BERT); in {type(transformer).__name__} found "
            + (f"{len(found)}: {', '.join(found)}" if found else "none")
        )
    return found[0]


def choose_layers(layers: Optional[Union[int, Sequence[int]]], depth: int) -> List[int]:
    """Returns the indices of the chosen layers (from 0) in the order of the student.

    # Parameters

    layers : `int` or `Sequence[int]`, optional
        The number of the first layers, or the index of each; all of them if it is `None`.
    depth : `int`
        The number of layers of the transformer they are taken from.

    # Raises

    ConfigurationError
        If the choice is empty, holds an index twice or one that the transformer does not have.
    """
    if layers is None:
        return list(range(depth))
    if isinstance(layers, int):
        if not 1 <= layers <= depth:
            raise ConfigurationError(
                f"layers must be between 1 and {depth}, the transformer's number of layers, "
                f"found {layers}"
            )
        return list(range(layers))
    chosen = list(layers)
    if not chosen:
        raise ConfigurationError("layers must name at least one layer, found an empty list")
    for index in chosen:
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < depth:
            raise ConfigurationError(
                f"layers must be indices from 0 to {depth - 1}, because the transformer has "
                f"{depth} layers; found {index!r} in {chosen}"
            )
        if chosen.count(index) > 1:
            raise ConfigurationError(
                f"layers must be different from each other, found {index} twice in {chosen}"
            )
    return chosen


@dataclass(frozen=True)
class LayeredWeights:
    """The architecture and the weights of a transformer, and the position of its layers in them.

    # Parameters

    config : `PretrainedConfig`
        Of the whole transformer.
    state : `Dict[str, Tensor]`
        Its weights, by the names of the base model.
    layer_list : `str`
        What `layer_list_name` gives for it.
    depth : `int`
        Its number of layers.
    source : `str`
        Where the weights come from, for errors.
    """

    config: PretrainedConfig
    state: Dict[str, Tensor]
    layer_list: str
    depth: int
    source: str

    def cut_config(self, chosen: Sequence[int], vocabulary_size: int) -> PretrainedConfig:
        """Returns the architecture with only the chosen layers and with this many word pieces."""
        config = deepcopy(self.config)
        config.num_hidden_layers = len(chosen)
        config.vocab_size = vocabulary_size
        # The weights are in the default type, whatever type they were published in.
        config.torch_dtype = None
        config._name_or_path = ""
        return config

    def load_into(self, transformer: Module, chosen: Sequence[int]) -> None:
        """Loads the weights into a transformer that has only the chosen layers.

        # Raises

        ConfigurationError
            If a weight is missing, left over or of another shape.
        """
        layer = re.compile(re.escape(self.layer_list) + r"\.(\d+)\.")
        kept: Dict[str, Tensor] = {}
        for key, value in self.state.items():
            match = layer.match(key)
            if NOT_WEIGHTS.search(key) or (match and int(match[1]) not in chosen):
                continue
            if match:
                position = chosen.index(int(match[1]))
                key = f"{self.layer_list}.{position}.{key[match.end() :]}"
            kept[key] = value
        shapes = {key: value.shape for key, value in transformer.state_dict().items()}
        wanted = {key for key in shapes if not NOT_WEIGHTS.search(key)}
        faults = [f"no {key}" for key in sorted(wanted - kept.keys())]
        faults += [f"{key}, which is unknown" for key in sorted(kept.keys() - wanted)]
        faults += [
            f"{key} with shape {tuple(kept[key].shape)} instead of {tuple(shapes[key])}"
            for key in sorted(wanted & kept.keys())
            if kept[key].shape != shapes[key]
        ]
        if faults:
            raise ConfigurationError(
                f"the weights of {self.source} do not fit the architecture "
                f"{type(transformer).__name__} of model_name; found " + "; ".join(faults[:5])
            )
        transformer.load_state_dict(kept, strict=False)
