"""Rounds the weights of a network to 8 bits."""

import logging
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

import numpy

RECURRENT = ["LSTM"]
"""The operators that ONNX Runtime's quantization rounds. Character convolutions are small, and
slower in integers.
"""
TABLE_SIZE = 4096
"""The minimum size of an embedding table to round."""


def quantize(graph: bytes, products: bool = True) -> bytes:
    """Rounds the matrices of a graph to 8 bits; activations are quantized dynamically.

    Each column of a matrix has a scale of its own: a transformer loses several times as much without.
    What cannot be rounded stays what it is.

    A product's activations share one scale, the range of a whole batch. So its result for a row also
    depends on the other rows: by at most the sum of both scales (with and without them) times
    the sum of the absolute weights of the column.

    # Parameters

    graph : `bytes`
    products : `bool`, optional (default = `True`)
        Whether products are computed in integers, and recurrent layers are rounded. Otherwise only
        matrices and tables are stored in 8 bits, which makes no row depend on others.
    """
    import onnx

    model = onnx.load_model_from_string(graph)
    _MatricesAndTables(model.graph, products).round()
    if products and any(node.op_type in RECURRENT for node in model.graph.node):
        model = _round_recurrent(model)
    return model.SerializeToString(deterministic=True)


def round_columns(matrix: numpy.ndarray) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """Rounds a matrix to integers from -127 to 127 with a scale per column.

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


class _MatricesAndTables:
    """Rounds the constant right-hand sides of matrix products, and large embedding tables.

    Operators are ONNX's own. ONNX Runtime makes one of a product's when it opens the graph; where several
    products have the same left side, it is rounded once. Each row of a table has a scale of its own.
    """

    def __init__(self, graph: Any, products: bool) -> None:
        from onnx import numpy_helper

        self._graph = graph
        self._products = products
        self._weights: Dict[str, numpy.ndarray] = {
            weight.name: numpy_helper.to_array(weight) for weight in graph.initializer
        }
        self._inputs: Dict[str, List[str]] = {}
        self._rounded: Set[str] = set()

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
        if node.op_type == "MatMul" and self._is_matrix(node.input[1]):
            return self._integer_product(node) if self._products else self._float_product(node)
        if node.op_type == "Gather" and self._is_matrix(node.input[0]):
            if self._weights[node.input[0]].size >= TABLE_SIZE:
                return self._rows_of_table(node)
        return [node]

    def _is_matrix(self, name: str) -> bool:
        weight = self._weights.get(name)
        return weight is not None and weight.ndim == 2 and weight.dtype == numpy.float32

    def _float_product(self, node: Any) -> List[Any]:
        """Stores the matrix in 8 bits. ONNX Runtime makes it float again when it opens the graph."""
        from onnx import TensorProto, helper

        left, right = node.input
        parts = []
        if right not in self._rounded:
            matrix, scale = round_columns(self._weights[right])
            self._add(right, int8=matrix, scale=scale)
            parts = [
                helper.make_node(
                    "Cast", [f"{right}_int8"], [f"{right}_unscaled"], to=TensorProto.FLOAT
                ),
                helper.make_node(
                    "Mul", [f"{right}_unscaled", f"{right}_scale"], [f"{right}_float"]
                ),
            ]
        return [*parts, helper.make_node("MatMul", [left, f"{right}_float"], list(node.output))]

    def _integer_product(self, node: Any) -> List[Any]:
        from onnx import TensorProto, helper

        left, right = node.input
        if right not in self._rounded:
            matrix, scale = round_columns(self._weights[right])
            self._add(right, int8=matrix, scale=scale, zero=numpy.zeros(len(scale), numpy.int8))
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

    def _rows_of_table(self, node: Any) -> List[Any]:
        from onnx import TensorProto, helper

        table, rows = node.input
        result = node.output[0]
        if table not in self._rounded:
            rounded, scale = round_columns(self._weights[table].T)
            self._add(table, int8=numpy.ascontiguousarray(rounded.T), scale=scale[:, None])
        return [
            helper.make_node("Gather", [f"{table}_int8", rows], [f"{result}_int8"], axis=0),
            helper.make_node("Cast", [f"{result}_int8"], [f"{result}_float"], to=TensorProto.FLOAT),
            helper.make_node("Gather", [f"{table}_scale", rows], [f"{result}_scale"], axis=0),
            helper.make_node("Mul", [f"{result}_float", f"{result}_scale"], [result]),
        ]

    def _add(self, name: str, **arrays: numpy.ndarray) -> None:
        """Adds the initializers that replace a weight."""
        from onnx import numpy_helper

        self._rounded.add(name)
        self._graph.initializer.extend(
            numpy_helper.from_array(array, f"{name}_{suffix}") for suffix, array in arrays.items()
        )


def _inputs(node: Any) -> List[str]:
    """Returns the names that a node reads, including in its subgraphs."""
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
        )  # it logs advice for float graphs on the root logger, which does not apply here
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


def quantize_tables(tensors: Dict[str, numpy.ndarray]) -> Dict[str, numpy.ndarray]:
    """Rounds embedding tables to 8 bits with a scale per row; the decoders' weights are not
    rounded.

    # Returns

    `Dict[str, numpy.ndarray]`
        The tensors; the scales of a table `input0` are `input0.scale`.
    """
    found = {}
    for name, tensor in tensors.items():
        if name.startswith("input"):
            rounded, scale = round_columns(tensor.T)
            found[name], found[f"{name}.scale"] = numpy.ascontiguousarray(rounded.T), scale
        else:
            found[name] = tensor
    return found
