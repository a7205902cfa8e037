"""Checks an ONNX file before ONNX Runtime opens it.

A tensor of an ONNX file may say that its numbers lie in another file, anywhere on the disk; a graph may
have operators of any library. Students' graphs hold their own weights and have the operators of
`operators.py`. The file is read here without the `onnx` package, which serving does not need. Every
message and field on the way is one of those below (from onnx.proto): an unknown field is refused, so
that nothing can hide in what this reader skips and ONNX Runtime reads.
"""

import math
from typing import Any, Dict, List, NamedTuple

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime.networks.operators import check_operator
from spacy_bridge.runtime.networks.wire_format import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    WireError,
    fields,
    varints,
)

_MAX_DEPTH = 16  # the maximum nesting of messages: a graph in an attribute of a node adds three
_MAX_NODES = 100_000
_MAX_DIMENSIONS = 64


class _Field(NamedTuple):
    kind: Any  # a wire type, or the name of a message
    repeated: bool = False


_TEXT, _NUMBER = _Field(BYTES), _Field(VARINT)
_TEXTS, _NUMBERS = _Field(BYTES, True), _Field(VARINT, True)
_NOTES = _Field("note", True)

_MESSAGES: Dict[str, Dict[int, _Field]] = {
    "model": {
        1: _NUMBER, 2: _TEXT, 3: _TEXT, 4: _TEXT, 5: _NUMBER, 6: _TEXT, 7: _Field("graph"),
        8: _Field("operator set", True), 14: _NOTES,
    },
    "operator set": {1: _TEXT, 2: _NUMBER},
    "note": {1: _TEXT, 2: _TEXT},
    "graph": {
        1: _Field("node", True), 2: _TEXT, 5: _Field("tensor", True), 10: _TEXT, 16: _NOTES,
        11: _Field("value", True), 12: _Field("value", True), 13: _Field("value", True),
    },
    "node": {
        1: _TEXTS, 2: _TEXTS, 3: _TEXT, 4: _TEXT, 5: _Field("attribute", True), 6: _TEXT, 7: _TEXT,
        9: _NOTES,
    },
    "attribute": {
        1: _TEXT, 2: _Field(FIXED32), 3: _NUMBER, 4: _TEXT, 5: _Field("tensor"), 6: _Field("graph"),
        7: _Field(FIXED32, True), 8: _NUMBERS, 9: _TEXTS, 13: _TEXT, 20: _NUMBER,
    },
    "tensor": {
        1: _NUMBERS, 2: _NUMBER, 4: _Field(FIXED32, True), 5: _NUMBERS, 7: _NUMBERS, 8: _TEXT,
        9: _TEXT, 10: _Field(FIXED64, True), 11: _NUMBERS, 12: _TEXT, 16: _NOTES,
    },
    "value": {1: _TEXT, 2: _Field("type"), 3: _TEXT, 4: _NOTES},
    "type": {1: _Field("tensor type"), 6: _TEXT},
    "tensor type": {1: _NUMBER, 2: _Field("shape")},
    "shape": {1: _Field("dimension", True)},
    "dimension": {1: _NUMBER, 2: _TEXT, 3: _TEXT},
}  # fmt: skip
"""The fields of each message, by number."""

_EXTERNAL = {("tensor", 13): "external_data", ("tensor", 14): "data_location"}
_REFUSED = {("model", 25): "functions", ("model", 20): "training steps"}


def check_graph(content: bytes, where: str) -> None:
    """Refuses a file that is not safe to open with ONNX Runtime.

    # Raises

    PackageError
        If a tensor's numbers lie in another file, or are fewer than it declares; if there is an
        operator that no student has, or a function; or if this
        is not an ONNX file, or can be read in more than one way.
    """
    try:
        found = _Reader(where).read(memoryview(content), "model", 0)
    except (WireError, UnicodeDecodeError) as error:
        raise PackageError(f"{where} is not a readable ONNX file: {error}") from error
    if 7 not in found:
        raise PackageError(f"{where} is not a readable ONNX file: it has no graph")


class _Reader:
    def __init__(self, where: str) -> None:
        self._where = where
        self._nodes = 0

    def read(self, message: memoryview, kind: str, depth: int) -> Dict[int, Any]:
        """Checks a message and returns the last value of each field."""
        if depth > _MAX_DEPTH:
            raise PackageError(f"{self._where} nests messages more than {_MAX_DEPTH} levels deep")
        known = _MESSAGES[kind]
        found: Dict[int, Any] = {}
        shape: List[int] = []
        for number, wire, value in fields(message):
            field = known.get(number)
            if field is None:
                self._refuse(kind, number, value)
            elif isinstance(field.kind, str):
                if wire != BYTES:
                    raise WireError(f"the field {number} of a {kind} has the wire type {wire}")
                self.read(value, field.kind, depth + 1)  # type: ignore[arg-type]
            elif wire != field.kind and not (field.repeated and wire == BYTES):
                raise WireError(f"the field {number} of a {kind} has the wire type {wire}")
            if field is not None and number in found and not field.repeated:
                raise WireError(f"the field {number} of a {kind} occurs twice")
            if kind == "tensor" and number == 1:
                shape += [value] if wire == VARINT else varints(value)  # type: ignore
            found[number] = value
        if kind == "node":
            self._check_node(found)
        if kind == "tensor":
            self._check_size(shape, len(message))
        return found

    def _check_node(self, node: Dict[int, Any]) -> None:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise PackageError(f"{self._where} has more than {_MAX_NODES:,} operators")
        check_operator(_text(node.get(7)), _text(node.get(4)), self._where)

    def _check_size(self, shape: List[int], size: int) -> None:
        """Checks a tensor's size, because ONNX Runtime allocates the declared size before it reads
        the data.
        """
        if len(shape) > _MAX_DIMENSIONS:
            raise PackageError(f"{self._where} declares a tensor of {len(shape)} dimensions")
        numbers = math.prod(shape)
        # A number has at least 4 bits, in raw data as well as in a typed field.
        if numbers > 2 * size:
            raise PackageError(
                f"{self._where} declares a tensor of shape {tuple(shape)} with {size} bytes"
            )

    def _refuse(self, kind: str, number: int, value: Any) -> None:
        if (kind, number) in _EXTERNAL:
            if number == 14 and value == 0:
                return  # the explicit default: the numbers are in this file
            entry = {}
            if isinstance(value, memoryview):
                entry = {key: part for key, _, part in fields(value)}
            what = ": ".join(_text(entry.get(part)) for part in (1, 2) if part in entry)
            raise PackageError(
                f"{self._where} reads weights from another file, which is not allowed ({what})"
            )
        if (kind, number) in _REFUSED:
            raise PackageError(
                f"{self._where} has {_REFUSED[kind, number]}, which no packaged student has"
            )
        raise WireError(f"a {kind} has the unknown field {number}")


def _text(value: Any) -> str:
    return bytes(value).decode("utf-8") if isinstance(value, memoryview) else ""
