"""The weights of one part of a student's network."""

from typing import Dict, Tuple

import numpy

from spacy_bridge.errors import UnsupportedError


class Weights:
    """The weights with a common prefix in the state dict.

    # Parameters

    weights : `Dict[str, numpy.ndarray]`
    prefix : `str`, optional (default = `""`)
    """

    def __init__(self, weights: Dict[str, numpy.ndarray], prefix: str = "") -> None:
        self._weights = weights
        self._prefix = prefix

    def below(self, name: str) -> "Weights":
        return Weights(self._weights, f"{self._prefix}{name}.")

    def has(self, name: str) -> bool:
        return self._prefix + name in self._weights

    def __getitem__(self, name: str) -> numpy.ndarray:
        key = self._prefix + name
        if key not in self._weights:
            near = [known for known in self._weights if known.startswith(key.split(".")[0])]
            raise UnsupportedError(f"the weights have no {key!r}; similar names: {near[:5]}")
        return self._weights[key]

    def shaped(self, name: str, shape: Tuple[int, ...]) -> numpy.ndarray:
        """
        # Raises

        UnsupportedError
            If there is no such weight, or it has another shape.
        """
        weight = self[name]
        if weight.shape != shape:
            raise UnsupportedError(
                f"the weight {self._prefix + name!r} must have the shape {shape}, found "
                f"{weight.shape}"
            )
        return weight
