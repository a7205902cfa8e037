"""Builds an ONNX graph, operator by operator.

A traced torch module would depend on the version of torch that exports it (1.12 freezes the batch's size
into a packed sequence's initial state); what is built here is the same file on every stack, and no length
in it can be frozen by accident.
"""

from typing import Any, List, Optional, Sequence, Union

import numpy
from onnx import TensorProto, checker, helper, numpy_helper

from spacy_bridge.runtime.networks.operators import check_operator

OPSET = 17
IR_VERSION = 8

TYPES = {"float": TensorProto.FLOAT, "int64": TensorProto.INT64, "int32": TensorProto.INT32}


class Graph:
    """A graph under construction. Values are names; methods that add operators return the names of
    their results.
    """

    def __init__(self) -> None:
        self._nodes: List[Any] = []
        self._weights: List[Any] = []
        self._inputs: List[Any] = []
        self._outputs: List[Any] = []
        self._count = 0

    def input(self, name: str, kind: str, shape: Sequence[Union[int, str]]) -> str:
        """Adds an input; a dimension given as a string may have any size."""
        self._inputs.append(helper.make_tensor_value_info(name, TYPES[kind], list(shape)))
        return name

    def output(self, value: str, name: str, shape: Sequence[Union[int, str]]) -> None:
        self.add("Identity", [value], outputs=[name])
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))

    def constant(self, array: Any, kind: Any = None) -> str:
        """Adds a weight, which is stored in the graph."""
        array = numpy.ascontiguousarray(array, kind)
        name = self.fresh("weight")
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def integers(self, *numbers: int) -> str:
        return self.constant(numpy.array(numbers, numpy.int64))

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Optional[Sequence[str]] = None,
        **attributes: Any,
    ) -> str:
        """Adds an operator. An empty input name omits that input.

        # Returns

        `str`
            The first output.

        # Raises

        PackageError
            If the operator is not in `spacy_bridge/runtime/networks/operators.py`, which the run-time reads.
        """
        check_operator("", operator, "the student's graph")
        names = list(outputs) if outputs else [self.fresh(operator.lower())]
        self._nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names[0]

    def fresh(self, hint: str) -> str:
        self._count += 1
        return f"{hint}_{self._count}"

    def linear(
        self, value: str, weight: numpy.ndarray, bias: Optional[numpy.ndarray] = None
    ) -> str:
        """`value @ weight.T + bias`, with a weight of torch's shape `(out, in)`."""
        result = self.add("MatMul", [value, self.constant(weight.T)])
        return result if bias is None else self.add("Add", [result, self.constant(bias)])

    def layer_norm(
        self, value: str, weight: numpy.ndarray, bias: numpy.ndarray, epsilon: float = 1e-5
    ) -> str:
        """Layer normalization over the last axis."""
        inputs = [value, self.constant(weight), self.constant(bias)]
        return self.add("LayerNormalization", inputs, axis=-1, epsilon=epsilon)

    def split(self, value: str, *sizes: int) -> List[str]:
        """Splits a value into parts of these sizes along the last axis."""
        parts = [self.fresh("part") for _ in sizes]
        self.add("Split", [value, self.integers(*sizes)], outputs=parts, axis=-1)
        return parts

    def transpose(self, value: str, *order: int) -> str:
        return self.add("Transpose", [value], perm=list(order))

    def reshape(self, value: str, *shape: int) -> str:
        """Reshapes a value; 0 keeps a dimension, -1 infers it."""
        return self.add("Reshape", [value, self.integers(*shape)])

    def size(self, value: str, axis: int) -> str:
        """Returns the size of a dimension as an integer of shape (1,)."""
        shape = self.add("Shape", [value])
        return self.add("Gather", [shape, self.integers(axis)], axis=0)

    def subgraph(self, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
        """Returns this graph as the body of an operator, with values without shapes."""
        values = [
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names]
            for names in (inputs, outputs)
        ]
        return helper.make_graph(self._nodes, "body", *values, initializer=self._weights)

    def finish(self) -> bytes:
        """Checks the graph and returns the content of an ONNX file."""
        graph = helper.make_graph(
            self._nodes, "student", self._inputs, self._outputs, initializer=self._weights
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="allennlp-kd"
        )
        model.ir_version = IR_VERSION
        checker.check_model(model)
        return model.SerializeToString(deterministic=True)
