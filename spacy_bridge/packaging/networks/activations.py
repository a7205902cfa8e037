"""Activation functions, by AllenNLP's names."""

import math
from typing import Any

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.networks.graph import Graph

_OPERATORS = {
    "relu": "Relu",
    "selu": "Selu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "softsign": "Softsign",
}
SUPPORTED = sorted([*_OPERATORS, "elu", "linear", "leaky_relu", "gelu", "swish", "mish"])


def activation_name(config: Any, where: str) -> str:
    """Returns the name in a configuration: a string, or an object with a type and no options.

    # Raises

    UnsupportedError
        If it is another function, or has options.
    """
    name = config.get("type") if isinstance(config, dict) else config
    if name not in SUPPORTED or (isinstance(config, dict) and set(config) != {"type"}):
        raise UnsupportedError(
            f"{where} is {config!r}, which cannot be packaged; supported, without options: "
            f"{', '.join(SUPPORTED)}"
        )
    return name


def activate(graph: Graph, value: str, name: str) -> str:
    """Applies an activation function to a value."""
    if name == "linear":
        return value
    if name in _OPERATORS:
        return graph.add(_OPERATORS[name], [value])
    if name == "elu":
        # ONNX Runtime's own operator takes three times as long as these five operators.
        zero, one = graph.constant(0.0, "float32"), graph.constant(1.0, "float32")
        negative = graph.add("Exp", [graph.add("Min", [value, zero])])
        return graph.add("Add", [graph.add("Relu", [value]), graph.add("Sub", [negative, one])])
    if name == "leaky_relu":
        return graph.add("LeakyRelu", [value], alpha=0.01)
    if name == "swish":
        return graph.add("Mul", [value, graph.add("Sigmoid", [value])])
    if name == "mish":
        return graph.add("Mul", [value, graph.add("Tanh", [graph.add("Softplus", [value])])])
    # gelu: x * (1 + erf(x / sqrt 2)) / 2, in the order that ONNX Runtime fuses to one operator
    scaled = graph.add("Div", [value, graph.constant(math.sqrt(2.0), "float32")])
    shifted = graph.add("Add", [graph.add("Erf", [scaled]), graph.constant(1.0, "float32")])
    product = graph.add("Mul", [value, shifted])
    return graph.add("Mul", [product, graph.constant(0.5, "float32")])
