"""Rounds the weights of a network to 8 bits."""

import logging
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy

RECURRENT = ["LSTM"]
"""What ONNX Runtime's own quantization rounds. Convolutions over characters are small, and slower in
integers."""


def quantize(graph: bytes) -> bytes:
    """The graph with 8-bit matrices; activations are scaled as they come (dynamic quantization).

    Each column of a matrix has a scale of its own: a transformer loses several times as much without.
    What cannot be rounded stays what it is.
    """
    import onnx

    model = onnx.load_model_from_string(graph)
    _MatrixProducts(model.graph).round()
    if any(node.op_type in RECURRENT for node in model.graph.node):
        model = _round_recurrent(model)
    return model.SerializeToString(deterministic=True)


def round_columns(matrix: numpy.ndarray) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """A matrix as integers from -127 to 127, and the scale of each column.

    # Parameters

    matrix : `numpy.ndarray`
        Shape `(rows, columns)`, float32.

    # Returns

    `Tuple[numpy.ndarray, numpy.ndarray]`
        Of type int8 and the shape of the matrix, and of type float32 and shape `(columns,)`.
    """
    scale = numpy.abs(matrix).max(axis=0, initial=0.0) / 127.0
    scale = numpy.where(scale > 0, scale, 1.0).astype(numpy.float32)
    return numpy.rint(matrix / scale).astype(numpy.int8), scale


class _MatrixProducts:
    """Rounds the constant right sides of a graph's matrix products.

    Operators are ONNX's own. ONNX Runtime makes one of them when it opens the graph; where several
    products have the same left side, it is rounded once.
    """

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self._graph = graph
        self._weights = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
        self._inputs: Dict[str, List[str]] = {}
        self._rounded: set = set()

    def round(self) -> None:
        nodes = [part for node in self._graph.node for part in self._parts(node)]
        del self._graph.node[:]
        self._graph.node.extend(nodes)
        used = {name for node in nodes for name in _inputs(node)}
        kept = [
            weight
            for weight in self._graph.initializer
            if weight.name not in self._rounded or weight.name in used
        ]
        del self._graph.initializer[:]
        self._graph.initializer.extend(kept)

    def _parts(self, node: Any) -> List[Any]:
        from onnx import TensorProto, helper, numpy_helper

        if node.op_type != "MatMul" or self._weights.get(node.input[1], numpy.zeros(0)).ndim != 2:
            return [node]
        left, right = node.input
        if right not in self._rounded:
            self._rounded.add(right)
            matrix, scale = round_columns(self._weights[right])
            self._graph.initializer.extend(
                numpy_helper.from_array(array, f"{right}_{suffix}")
                for array, suffix in (
                    (matrix, "int8"), (scale, "scale"), (numpy.zeros(len(scale), numpy.int8), "zero")
                )
            )  # fmt: skip
        result = node.output[0]
        parts = []
        if left not in self._inputs:
            self._inputs[left] = [f"{left}_{suffix}" for suffix in ("uint8", "scale", "zero")]
            parts.append(helper.make_node("DynamicQuantizeLinear", [left], self._inputs[left]))
        rounded, scale, zero = self._inputs[left]
        parts += [
            helper.make_node(
                "MatMulInteger",
                [rounded, f"{right}_int8", zero, f"{right}_zero"],
                [f"{result}_int32"],
            ),
            helper.make_node(
                "Cast", [f"{result}_int32"], [f"{result}_float"], to=TensorProto.FLOAT
            ),
            helper.make_node("Mul", [scale, f"{right}_scale"], [f"{result}_scale"]),
            helper.make_node("Mul", [f"{result}_float", f"{result}_scale"], [result]),
        ]
        return parts


def _inputs(node: Any) -> List[str]:
    """The names that a node reads, in its subgraphs as well."""
    found = list(node.input)
    for attribute in node.attribute:
        for inner in attribute.g.node:
            found += _inputs(inner)
    return found


def _round_recurrent(model: Any) -> Any:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.onnx", Path(folder) / "target.onnx"
        onnx.save_model(model, str(source))
        root = logging.getLogger()
        level = root.level
        root.setLevel(
            logging.ERROR
        )  # it advises, on the root logger, what float graphs do not need
        try:
            quantize_dynamic(
                str(source),
                str(target),
                op_types_to_quantize=RECURRENT,
                weight_type=QuantType.QInt8,
                per_channel=True,
            )
        finally:
            root.setLevel(level)
        return onnx.load_model(str(target))


def halve(tensors: Dict[str, numpy.ndarray]) -> Dict[str, numpy.ndarray]:
    """Tables of embeddings in 16 bits; what decoders read is left as it is."""
    return {
        name: tensor.astype(numpy.float16) if name.startswith("input") else tensor
        for name, tensor in tensors.items()
    }
