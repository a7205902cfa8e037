"""Refuses ONNX files which name other files.

A tensor of an ONNX file may say that its numbers lie in another file, anywhere on the disk. Students'
graphs hold their own weights; so an entry of that kind is a mistake or an attack. The graph is read
here without the `onnx` package, which serving does not need: only the wire format of its Protocol
Buffers and the few field numbers on the way to a tensor (onnx.proto).
"""

from typing import Dict, Iterator, Tuple

from spacy_bridge.errors import PackageError

# The fields of each message that lead to tensors: number -> message.
_WAYS: Dict[str, Dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_MAX_DEPTH = 64


def refuse_external_data(content: bytes, where: str) -> None:
    """
    # Raises

    PackageError
        If a tensor's numbers lie in another file, which the message names; or if this is no ONNX file.
    """
    try:
        _check(memoryview(content), "model", where, 0)
    except (IndexError, UnicodeDecodeError) as error:
        raise PackageError(f"{where} is not an ONNX file that can be read") from error


def _check(message: memoryview, kind: str, where: str, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise PackageError(f"{where} nests graphs more than {_MAX_DEPTH} deep")
    for number, value in _fields(message):
        if kind == "tensor":
            if number == _EXTERNAL_DATA and isinstance(value, memoryview):
                entry = dict(_fields(value))
                what = ": ".join(str(bytes(entry.get(part, b"")), "utf-8") for part in (1, 2))
                raise PackageError(
                    f"{where} takes weights from another file, which is refused ({what})"
                )
            if number == _DATA_LOCATION and value != 0:
                raise PackageError(f"{where} takes weights from another file, which is refused")
        elif number in _WAYS[kind] and isinstance(value, memoryview):
            _check(value, _WAYS[kind][number], where, depth + 1)


def _fields(message: memoryview) -> Iterator[Tuple[int, object]]:
    """Number and value of each field; the value is a `memoryview` or, where it is one, an integer."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == 1:
            size = 8
        elif wire == 5:
            size = 4
        elif wire == 2:
            size, place = _varint(message, place)
        else:
            raise IndexError(f"wire type {wire}")
        if place + size > len(message):
            raise IndexError("a field is cut off")
        yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> Tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise IndexError("a number is too long")
