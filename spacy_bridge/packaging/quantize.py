"""Matrices rounded to 8 bits."""

import logging
import tempfile
from pathlib import Path
from typing import Dict

import numpy

OPERATORS = ["MatMul", "LSTM"]
"""What is rounded. Convolutions over characters are small, and slower in integers."""


def quantise(graph: bytes) -> bytes:
    """The graph with 8-bit weights; activations are scaled as they come (dynamic quantisation).

    Matrix products need constant right sides, which ONNX Runtime checks by itself. Where nothing can be
    rounded, the graph stays what it is.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.onnx", Path(folder) / "target.onnx"
        source.write_bytes(graph)
        root = logging.getLogger()
        level = root.level
        root.setLevel(
            logging.ERROR
        )  # it advises, on the root logger, what float graphs do not need
        try:
            quantize_dynamic(
                str(source),
                str(target),
                op_types_to_quantize=OPERATORS,
                weight_type=QuantType.QInt8,
                per_channel=True,  # a transformer loses several times as much without
            )
        finally:
            root.setLevel(level)
        return target.read_bytes()


def halve(tensors: Dict[str, numpy.ndarray]) -> Dict[str, numpy.ndarray]:
    """Tables of embeddings in 16 bits; what decoders read is left as it is."""
    return {
        name: tensor.astype(numpy.float16) if name.startswith("input") else tensor
        for name, tensor in tensors.items()
    }
