"""Weights in 8 bits."""

from typing import Any, List

import numpy
import onnx
import onnxruntime
import pytest

import allennlp_kd.plugin  # noqa: F401
from spacy_bridge.packaging.networks.graph import Graph
from spacy_bridge.packaging.quantize import quantize, round_columns
from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import sum_up
from spacy_bridge.runtime.open_student import open_student
from tests.spacy_bridge import archives


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
    graph = twins()
    rounded = quantize(graph)
    kinds = [node.op_type for node in onnx.load_model_from_string(rounded).graph.node]
    assert kinds.count("MatMulInteger") == 2
    assert kinds.count("MatMul") == 1, "a product of two computed values stays as it is"
    assert kinds.count("DynamicQuantizeLinear") == 1, "an input is rounded once"
    words = numpy.random.default_rng(2).standard_normal((7, 6)).astype(numpy.float32)
    exact, near = run(graph, words), run(rounded, words)
    assert 0 < numpy.abs(exact - near).max() < 0.03 * numpy.abs(exact).max()


@pytest.mark.parametrize("products", [True, False])
def test_no_weight_is_kept_twice(products: bool) -> None:
    names = {
        w.name: w.data_type
        for w in onnx.load_model_from_string(quantize(twins(), products)).graph.initializer
    }
    matrices = [
        name for name, kind in names.items() if kind == onnx.TensorProto.INT8 and "_int8" in name
    ]
    assert len(matrices) == 2
    assert not [name for name in matrices if name[: -len("_int8")] in names]


def product(size: int = 24, columns: int = 9) -> tuple:
    """A graph of one product, and its weight."""
    weight = numpy.random.default_rng(3).standard_normal((columns, size)).astype(numpy.float32)
    graph = Graph()
    value = graph.linear(graph.input("words", "float", ["rows", size]), weight)
    graph.output(value, "table", ["rows", columns])
    return graph.finish(), weight


@pytest.mark.parametrize("factor", [1.0, 4.0, 100.0])
def test_a_row_depends_on_its_batch_within_the_bound(factor: float) -> None:
    graph, weight = product()
    rounded = quantize(graph)
    columns = numpy.abs(weight).sum(axis=1) * (1 + 1 / 254)  # rounded weights may be larger
    apart = 0.0
    for seed in range(20):
        rows = numpy.random.default_rng(seed).standard_normal((2, 24)).astype(numpy.float32)
        rows[1] *= factor
        alone, beside = run(rounded, rows[:1])[0], run(rounded, rows)[0]
        scales = [(max(part.max(), 0) - min(part.min(), 0)) / 255 for part in (rows[:1], rows)]
        difference = numpy.abs(alone - beside)
        assert (difference <= sum(scales) * columns + 1e-4).all()
        apart = max(apart, float(difference.max()))
        in_float = quantize(graph, products=False)
        same = run(in_float, rows)[0]
        assert numpy.abs(same - run(in_float, rows[:1])[0]).max() < 1e-5
        matrix, scale = round_columns(weight.T)
        assert numpy.abs(same - rows[0] @ (matrix * scale)).max() < 1e-5
    assert apart > 0.01


HASHED = {
    "indexers": {"words": {"type": "word_features"}},
    "embedders": {"words": {"type": "hashed_embedding", "output_dim": 16, "width": 8, "rows": 600}},
}
SPELLED = {
    "indexers": {"words": archives.CHARACTERS},
    "embedders": {
        "words": {**archives.CNN, "encoder": {**archives.CNN["encoder"], "output_dim": 16}}
    },
}


@pytest.mark.parametrize("kind", ["hashed", "spelled"])
def test_the_vector_of_a_word_does_not_depend_on_other_words(archive_of: Any, kind: str) -> None:
    """It is cached, so `nlp(text)` and `nlp.pipe` would differ."""
    encoder = {"type": "pass_through", "input_dim": 16}
    path = archive_of(archives.tagger(**(HASHED if kind == "hashed" else SPELLED), encoder=encoder))
    files = student_files(path, int8=True)
    names = [word for sentence in archives.SENTENCES for word in sentence.split()]
    for graph in sorted(name for name in files if name.startswith("input")):
        kinds = {node.op_type for node in onnx.load_model_from_string(files[graph]).graph.node}
        assert not kinds & {"DynamicQuantizeLinear", "MatMulInteger"}

    def encode(sentences: List[List[str]]) -> numpy.ndarray:
        return open_student({**files, "manifest.json": sum_up(files)})._encode(sentences)

    together = encode([names])
    for row, word in enumerate(names):
        assert numpy.abs(encode([[word]])[0] - together[row]).max() < 1e-5


def test_few_decisions_of_a_rounded_student_depend_on_the_batch(
    archive_of: Any, sentences: List[List[str]]
) -> None:
    """The bound that the documentation names, on large random weights."""
    encoder = {"type": "dilated_convolutions", "input_dim": 16, "dilations": [1, 2, 1]}
    path = archive_of(archives.tagger(**HASHED, encoder=encoder))
    files = student_files(path, int8=True)
    student = open_student({**files, "manifest.json": sum_up(files)})
    many = [sentence[start:] for sentence in sentences for start in range(len(sentence))]
    alone = [student([sentence])[0] for sentence in many]
    pairs = [pair for one, other in zip(alone, student(many)) for pair in zip(one, other)]
    assert sum(one != other for one, other in pairs) <= 0.02 * len(pairs)
    again = open_student({**files, "manifest.json": sum_up(files)})
    assert [again([sentence])[0] for sentence in reversed(many)] == alone[::-1]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_an_empty_matrix(shape: tuple) -> None:
    rounded, scale = round_columns(numpy.zeros(shape, numpy.float32))
    assert rounded.shape == shape and scale.shape == (shape[1],)
