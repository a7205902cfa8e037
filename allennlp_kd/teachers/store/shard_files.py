"""Reads and writes the shard files of a store: an index, then the sentences' arrays.

A shard is the magic, the format, the length of the index, its digest, the index (JSON), and then the
entries' bytes. The index gives for each key the place of its bytes, their digest, and each array's
name, type and shape.
"""

import hashlib
import json
import math
import mmap
import os
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, NamedTuple, Tuple

import numpy

from allennlp_kd.teachers.store.store_error import StoreError

MAGIC = b"allennlp-kd store"
PREFIX = struct.Struct(f"<{len(MAGIC)}sIQ16s")
REMEDY = "remove it: only its sentences will be scored again"

TYPES = frozenset(
    numpy.dtype(kind).str
    for kind in (
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "bool",
    )
)
"""The allowed types of arrays: numbers, but not objects."""

Arrays = Dict[str, numpy.ndarray]
Seal = Callable[[bytes], bytes]
"""The size of an index's digest."""


class Entry(NamedTuple):
    """The position of a sentence's arrays in a file."""

    file: Path
    offset: int
    size: int
    digest: str
    arrays: Tuple[Tuple[str, str, Tuple[int, ...]], ...]


def digest_of(*parts: bytes) -> bytes:
    """Returns the 16-byte BLAKE2b digest."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.digest()


def packed_shard(entries: Dict[str, Arrays], version: int, seal: Seal) -> List[bytes]:
    """Returns the parts of a shard in order.

    # Parameters

    entries : `Dict[str, Dict[str, numpy.ndarray]]`
        By the digest of a key: arrays by name.
    version : `int`
        The format of its store.
    seal : `Callable[[bytes], bytes]`
    """
    index: Dict[str, Any] = {}
    parts, offset = [], 0
    for key, arrays in entries.items():
        arrays = {name: numpy.ascontiguousarray(array) for name, array in arrays.items()}
        described = [[name, each.dtype.str, list(each.shape)] for name, each in arrays.items()]
        content = b"".join(each.tobytes() for each in arrays.values())
        digest = digest_of(key.encode(), json.dumps(described).encode(), content)
        index[key] = [offset, len(content), digest.hex(), described]
        parts.append(content)
        offset += len(content)
    packed = json.dumps(index).encode()
    return [PREFIX.pack(MAGIC, version, len(packed), seal(packed)), packed, *parts]


def entries_of(file: Path, version: int, seal: Seal) -> Dict[str, Entry]:
    """Returns the entries of a shard by the digests of their keys.

    # Raises

    StoreError
        If it is damaged, of another store, or cannot be read.
    """
    with _opened(file) as opened:
        size = os.fstat(opened.fileno()).st_size
        prefix = opened.read(PREFIX.size)
        if len(prefix) < PREFIX.size:
            raise StoreError(f"{file} is damaged: it ends after {size} bytes; {REMEDY}")
        magic, found, length, digest = PREFIX.unpack(prefix)
        # A damaged length could be larger than the memory.
        index = opened.read(min(length, size))
    if magic != MAGIC or found != version or seal(index) != digest:
        raise StoreError(f"{file} is damaged, or belongs to another format or store; {REMEDY}")
    try:
        entries, end = _entries(file, json.loads(index), PREFIX.size + length)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f"{file} is damaged: its index is invalid: {error}; {REMEDY}") from error
    if end > size:
        raise StoreError(f"{file} is damaged: it is truncated; {REMEDY}")
    return entries


def _entries(file: Path, index: Any, start: int) -> Tuple[Dict[str, Entry], int]:
    """Parses the entries of an index, and returns where the last one ends."""
    entries, end = {}, start
    sizes: Dict[
        Tuple, Tuple[Tuple, int]
    ] = {}  # sentences of the same length share their description
    for key, (offset, size, digest, arrays) in index.items():
        described = tuple((name, kind, tuple(shape)) for name, kind, shape in arrays)
        if described not in sizes:
            sizes[described] = described, sum(_bytes_of(*array) for array in described)
        described, expected = sizes[described]
        if not (type(offset) is int is type(size) and offset >= 0 and size == expected):
            raise ValueError(f"an entry of {expected} bytes has {size} from {offset}")
        entries[key] = Entry(file, start + offset, size, digest, described)
        end = max(end, start + offset + size)
    return entries, end


def _bytes_of(name: Any, kind: Any, shape: Tuple) -> int:
    if kind not in TYPES or not isinstance(name, str):
        raise ValueError(f"the array {name!r} is of type {kind!r}")
    if any(type(length) is not int or length < 0 for length in shape):
        raise ValueError(f"the array {name!r} is of shape {shape!r}")
    return math.prod(shape) * numpy.dtype(kind).itemsize


def mapped(file: Path) -> mmap.mmap:
    """Maps a shard's bytes into memory; they are read on demand.

    # Raises

    StoreError
        If it no longer exists, or cannot be read.
    """
    with _opened(file) as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


def arrays_of(key: str, entry: Entry, shard: mmap.mmap) -> Arrays:
    """Reads a sentence's arrays, which are read-only.

    # Parameters

    key : `str`
        The digest of its key.
    entry : `Entry`
    shard : `mmap.mmap`
        Its file's bytes.

    # Raises

    StoreError
        If its bytes are damaged.
    """
    content = shard[entry.offset : entry.offset + entry.size]
    described = json.dumps(entry.arrays).encode()
    if digest_of(key.encode(), described, content).hex() != entry.digest:
        raise StoreError(
            f"{entry.file} is damaged: the digest of an entry does not match; {REMEDY}"
        )
    arrays, offset = {}, 0
    for name, kind, shape in entry.arrays:
        count = int(numpy.prod(shape, dtype=numpy.int64))
        array = numpy.frombuffer(content, dtype=kind, count=count, offset=offset)
        arrays[name] = array.reshape(shape)
        offset += array.nbytes
    return arrays


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if file.exists() and not file.is_file():  # opening a pipe would block
        raise StoreError(f"{file} cannot be read: it is not a file")
    try:
        with open(file, "rb") as opened:
            yield opened
    except (OSError, ValueError) as error:  # ValueError if an empty file is mapped
        raise StoreError(f"{file} cannot be read: {error}") from error
