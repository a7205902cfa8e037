"""Records hidden vectors of words in a tagger or parser."""

from contextlib import contextmanager
from copy import copy
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.models import Model
from allennlp.modules.token_embedders import PretrainedTransformerMismatchedEmbedder
from torch import Tensor
from torch.nn import Module

from allennlp_kd.modules.layer_selection import layer_list_name
from allennlp_kd.objectives.objective import Layer

PARTS = {"encoder": "encoder", "embedder": "text_field_embedder"}


class WordStates:
    """Records chosen layers of a stock tagger or parser while it runs.

    The model does not change, and nothing is recorded outside `recorded`.

    # Parameters

    model : `Model`
        With a `text_field_embedder` and an `encoder`, as AllenNLP's taggers and parsers.
    layers : `Sequence[Union[int, str]]`
        `"encoder"`: the encoder's output; `"embedder"`: that of the text field embedder, which is
        the encoder's input; or an index, from 0, of a layer of the transformer in the embedder,
        whose word pieces are pooled as the embedder pools them.
    whose : `str`
        The model's name in errors.

    # Raises

    ConfigurationError
        If the model has no such layer, or recomputes it in the backward pass.
    """

    def __init__(self, model: Model, layers: Sequence[Layer], whose: str) -> None:
        self._model, self._whose = model, whose
        self._layers = list(dict.fromkeys(layers))
        self.widths: Dict[Layer, int] = {layer: self._width(layer) for layer in self._layers}
        """The width of each layer's vectors."""

    def _width(self, layer: Layer) -> int:
        if isinstance(layer, int):
            self._transformer_layer(layer)
            return self._transformer().config.hidden_size
        part = getattr(self._model, PARTS[layer], None) if layer in PARTS else None
        if part is None:
            raise ConfigurationError(
                f"a layer must be one of {', '.join(PARTS)}, or the index of a transformer's layer, "
                f"found '{layer}' of {self._whose}, a {type(self._model).__name__}"
            )
        return part.get_output_dim()

    def _embedder(self) -> Tuple[str, PretrainedTransformerMismatchedEmbedder]:
        """Finds the token embedder with the transformer, and its name."""
        embedders = getattr(self._model.text_field_embedder, "_token_embedders", {})
        found = [
            (name, embedder)
            for name, embedder in embedders.items()
            if isinstance(embedder, PretrainedTransformerMismatchedEmbedder)
        ]
        if len(found) != 1:
            raise ConfigurationError(
                f"a layer index needs exactly one transformer, but {self._whose} has {len(found)} "
                "embedders of type pretrained_transformer_mismatched or "
                "pretrained_transformer_layers"
            )
        return found[0]

    def _transformer(self) -> Module:
        return self._embedder()[1]._matched_embedder.transformer_model

    def _transformer_layer(self, index: int) -> Module:
        transformer = self._transformer()
        depth = transformer.config.num_hidden_layers
        if not 0 <= index < depth:
            raise ConfigurationError(
                f"{self._whose} has the transformer layers 0 to {depth - 1}, found {index}"
            )
        if getattr(transformer, "is_gradient_checkpointing", False):
            raise ConfigurationError(
                f"{self._whose} uses gradient_checkpointing, which recomputes layer {index} in the "
                "backward pass, so no gradient would reach it: turn it off"
            )
        return transformer.get_submodule(layer_list_name(transformer, depth))[index]

    @contextmanager
    def recorded(self) -> Iterator[Dict[Layer, Tensor]]:
        """A context in which the model runs once; afterward the dictionary contains the layers'
        vectors.

        Each has the shape `(batch, words, width)`; what stands in padding means nothing.
        """
        found: Dict[Layer, Tensor] = {}
        outputs: Dict[Layer, Any] = {}
        text: List[Any] = []
        hooks = [
            self._model.text_field_embedder.register_forward_pre_hook(
                lambda module, inputs: text.append(inputs[0])
            )
        ]
        try:
            for layer in self._layers:
                if isinstance(layer, int):
                    module = self._transformer_layer(layer)
                else:
                    module = getattr(self._model, PARTS[layer])
                hooks.append(module.register_forward_hook(_keep(outputs, layer)))
            yield found
        finally:
            for hook in hooks:
                hook.remove()
        for layer in self._layers:
            output = outputs[layer]
            found[layer] = self._pooled(output, text[0]) if isinstance(layer, int) else output

    def _pooled(self, output: Any, text: Dict[str, Dict[str, Tensor]]) -> Tensor:
        """Pools a layer's word pieces into words as the embedder does with the transformer's
        output.
        """
        name, embedder = self._embedder()
        matched, outer = _without_modules(embedder._matched_embedder), _without_modules(embedder)
        pieces = output if isinstance(output, Tensor) else output[0]
        matched._modules.update(transformer_model=_Replayed(pieces), _scalar_mix=None)
        outer._modules.update(_matched_embedder=matched)
        return outer.forward(**text[name])


def _keep(outputs: Dict[Layer, Any], layer: Layer) -> Callable[..., None]:
    def hook(module: Module, inputs: Any, output: Any) -> None:
        outputs[layer] = output

    return hook


def _without_modules(module: Module) -> Module:
    found = copy(module)
    found._modules = {}
    return found


class _Replayed(Module):
    """Replaces a transformer that has already run, and returns its output."""

    def __init__(self, pieces: Tensor) -> None:
        super().__init__()
        self.last_hidden_state = pieces

    def forward(self, **inputs: Any) -> "_Replayed":
        return self
