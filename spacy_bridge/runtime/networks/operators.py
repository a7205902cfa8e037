"""The ONNX operators that a packaged student may contain.

This is the one list: the packager builds graphs only of these, and the run-time opens no graph with
another. None of them reads a file, and none but `Scan`, which goes over a sentence, repeats a part of
the graph.
"""

from typing import FrozenSet, Mapping

from spacy_bridge.errors import PackageError

OPERATORS: Mapping[str, FrozenSet[str]] = {
    "": frozenset(
        # Operators that the packager builds directly.
        "Add Cast Concat Conv Cos Div Elu Equal Erf Exp Expand GRU Gather Identity LSTM LayerNormalization "
        "LeakyRelu Less MatMul Max Min Mul Range ReduceMax ReduceSum Relu Reshape ReverseSequence Scan Selu "
        "Shape Sigmoid Sin Softmax Softplus Softsign Split Squeeze Sub Tanh Transpose Unsqueeze Where "
        # Further operators that torch's exporter makes from transformers.
        "Abs And Ceil Clip Constant ConstantOfShape CumSum GatherElements Greater LessOrEqual Log Neg "
        "Not Pad Pow ReduceMean Sign Slice Sqrt Tile "
        # Operators that ONNX Runtime's dynamic quantization makes from matrix products.
        "DequantizeLinear DynamicQuantizeLinear MatMulInteger".split()
    ),
    "com.microsoft": frozenset(["DynamicQuantizeLSTM"]),
}
"""The names of operators by domain; ONNX's own domain is the empty string."""


def check_operator(domain: str, name: str, where: str) -> None:
    """
    # Raises

    PackageError
        If no student has this operator.
    """
    if name not in OPERATORS.get(domain, ()):
        full = f"{domain}.{name}" if domain else name
        raise PackageError(f"{where} has the operator {full!r}, which no packaged student has")
