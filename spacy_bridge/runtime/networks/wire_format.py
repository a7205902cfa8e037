"""Reads the wire format of Protocol Buffers strictly.

Readers differ in what they make of odd input: one reads the tag of a field as 32 bits and another as 64,
some accept numbers with trailing zero groups, all skip fields that they do not know. What is read here
has one spelling only, so that every reader finds the same fields in it.
"""

from typing import Iterator, List, Tuple, Union

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The wire types. Groups (3 and 4) are not supported."""

_LARGEST_TAG = (1 << 32) - 1


class WireError(ValueError):
    """A message is damaged, or not encoded in the canonical way."""


def fields(message: memoryview) -> Iterator[Tuple[int, int, Union[int, memoryview]]]:
    """Yields number, wire type and value of each field: an integer for a varint, otherwise bytes.

    # Raises

    WireError
        If the message is truncated, or a number has another spelling than the shortest.
    """
    place = 0
    while place < len(message):
        tag, place = varint(message, place)
        number, wire = tag >> 3, tag & 7
        if tag > _LARGEST_TAG or number == 0:
            raise WireError(f"the tag {tag} does not belong to a field")
        if wire == VARINT:
            value, place = varint(message, place)
            yield number, wire, value
            continue
        if wire == BYTES:
            size, place = varint(message, place)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        else:
            raise WireError(f"the field {number} has the wire type {wire}")
        if size > len(message) - place:
            raise WireError("a field is truncated")
        yield number, wire, message[place : place + size]
        place += size


def varints(packed: memoryview) -> List[int]:
    """Yields the numbers of a packed field.

    # Raises

    WireError
    """
    found, place = [], 0
    while place < len(packed):
        number, place = varint(packed, place)
        found.append(number)
    return found


def varint(message: memoryview, place: int) -> Tuple[int, int]:
    """Reads a number of at most 64 bits; returns it and where it ends.

    # Raises

    WireError
    """
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise WireError("a number is truncated")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if (byte == 0 and shift) or value >> 64:
                raise WireError("a number is not encoded in the shortest way")
            return value, place
    raise WireError("a number is too long")
