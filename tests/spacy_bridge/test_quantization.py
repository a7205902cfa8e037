"""Weights in 8 bits."""

import numpy
import onnxruntime
import pytest

from spacy_bridge.packaging.networks.graph import Graph
from spacy_bridge.packaging.quantize import quantize, round_columns


def test_round_columns_keeps_each_number_within_half_a_step() -> None:
    matrix = numpy.random.default_rng(0).standard_normal((30, 4)).astype(numpy.float32)
    matrix[:, 1] *= 100.0
    matrix[:, 2] = 0.0
    rounded, scale = round_columns(matrix)
    assert rounded.dtype == numpy.int8 and scale.dtype == numpy.float32
    assert (numpy.abs(rounded * scale - matrix) <= scale / 2 + 1e-6).all()
    assert numpy.abs(rounded[:, [0, 1, 3]]).max(axis=0).tolist() == [127, 127, 127]


def twins(count: int = 2) -> bytes:
    """Products of one input with several matrices, one of them used twice, and of two inputs."""
    numbers = numpy.random.default_rng(1)
    graph = Graph()
    value = graph.input("words", "float", ["rows", 6])
    weight = numbers.standard_normal((5, 6)).astype(numpy.float32)
    products = [graph.linear(value, weight, numpy.ones(5, numpy.float32)) for _ in range(count)]
    both = graph.add("MatMul", [products[0], graph.transpose(products[1], 1, 0)])
    graph.output(both, "table", ["rows", "rows"])
    return graph.finish()


def run(graph: bytes, words: numpy.ndarray) -> numpy.ndarray:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(None, {"words": words})[0]


def test_matrix_products_are_rounded_and_near() -> None:
    import onnx

    graph = twins()
    rounded = quantize(graph)
    kinds = [node.op_type for node in onnx.load_model_from_string(rounded).graph.node]
    assert kinds.count("MatMulInteger") == 2
    assert kinds.count("MatMul") == 1, "a product of two computed values stays as it is"
    assert kinds.count("DynamicQuantizeLinear") == 1, "an input is rounded once"
    words = numpy.random.default_rng(2).standard_normal((7, 6)).astype(numpy.float32)
    exact, near = run(graph, words), run(rounded, words)
    assert 0 < numpy.abs(exact - near).max() < 0.03 * numpy.abs(exact).max()


def test_no_weight_is_kept_twice() -> None:
    import onnx

    names = {
        w.name: w.data_type
        for w in onnx.load_model_from_string(quantize(twins())).graph.initializer
    }
    matrices = [
        name for name, kind in names.items() if kind == onnx.TensorProto.INT8 and "_int8" in name
    ]
    assert len(matrices) == 2
    assert not [name for name in matrices if name[: -len("_int8")] in names]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_an_empty_matrix(shape: tuple) -> None:
    rounded, scale = round_columns(numpy.zeros(shape, numpy.float32))
    assert rounded.shape == shape and scale.shape == (shape[1],)
