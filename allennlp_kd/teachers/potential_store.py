"""Scores on disk: shards of named arrays, written atomically by any number of workers.

A store is a folder of one header and any number of shards:

    header.json   what made it, labels, and the arrays that all sentences share
    *.shard       magic, length of the index, digest of the index, index (JSON), then the entries'
    bytes

The index gives for each key the place of its bytes, their digest, and each array's name, type and
shape. A file is written under a temporary name and moved into place, so a file that is there is
whole.
"""

import hashlib
import json
import mmap
import os
import struct
import uuid
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Tuple

import numpy

from allennlp_kd.atomic_file import atomic_file

FORMAT = 1
MAGIC = b"allennlp-kd store"
PREFIX = struct.Struct(f"<{len(MAGIC)}sIQ16s")


class StoreError(Exception):
    """A store that is damaged, of another format, or of another teacher."""


class Entry(NamedTuple):
    """Where a sentence's arrays are."""

    shard: int
    offset: int
    size: int
    digest: str
    arrays: Tuple[Tuple[str, str, Tuple[int, ...]], ...]


def digest_of(*parts: bytes) -> bytes:
    """16 bytes of BLAKE2b."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.digest()


class PotentialStore:
    """A folder of scored sentences.

    # Parameters

    path : `str`
        The folder; it is made if it is not there.
    header : `Dict[str, Any]`, optional
        What the store must have been made with (JSON values). Without it, the store must exist.

    # Raises

    StoreError
        If the store's header is another, or the header or a shard is damaged.
    """

    def __init__(self, path: str, header: Dict[str, Any] = None) -> None:
        self.path = Path(path)
        self._header_file = self.path / "header.json"
        self._maps: list = []
        self._files: Dict[str, int] = {}
        self._entries: Dict[str, Entry] = {}
        if header is not None:
            header = json.loads(json.dumps({"format": FORMAT, **header}))
        if self._header_file.exists():
            self.header = self._read_header()
            self._compare(header)
        elif header is None:
            raise StoreError(f"there is no store at {path}")
        else:
            self.path.mkdir(parents=True, exist_ok=True)
            body = json.dumps(header, sort_keys=True).encode()
            text = json.dumps({"header": header, "digest": digest_of(body).hex()}, indent=1)
            # Where another worker was first, its header stands, and must be the same.
            with atomic_file(self._header_file, replace=False) as file:
                file.write(text.encode())
            self.header = self._read_header()
            self._compare(header)
        self.refresh()

    @staticmethod
    def exists(path: str) -> bool:
        """Whether there is a store, whole or not."""
        return (Path(path) / "header.json").exists()

    def _read_header(self) -> Dict[str, Any]:
        try:
            content = json.loads(self._header_file.read_bytes())
            header, digest = content["header"], content["digest"]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self._header_file} is damaged: {error}; remove the store"
            ) from error
        if digest_of(json.dumps(header, sort_keys=True).encode()).hex() != digest:
            raise StoreError(
                f"{self._header_file} is damaged: its digest does not fit; remove the store"
            )
        return header

    def _compare(self, expected: Dict[str, Any] = None) -> None:
        if expected is None:
            expected = {"format": FORMAT}
        for name, value in expected.items():
            found = self.header.get(name)
            if found != value:
                raise StoreError(
                    f"the store at {self.path} was made with another {name}: expected {value}, "
                    f"found {found}; remove it or name another folder"
                )

    def refresh(self) -> None:
        """Takes up the shards that have come since it was opened."""
        for file in sorted(self.path.glob("*.shard")):
            if file.name not in self._files:
                self._open_shard(file)

    def _open_shard(self, file: Path) -> None:
        with open(file, "rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            if size < PREFIX.size:
                raise StoreError(f"{file} is damaged: it ends after {size} bytes; remove it")
            content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        magic, version, length, digest = PREFIX.unpack(content[: PREFIX.size])
        index = content[PREFIX.size : PREFIX.size + length]
        if magic != MAGIC or version != FORMAT or digest_of(index) != digest:
            raise StoreError(f"{file} is damaged or of another format; remove it")
        start = PREFIX.size + length
        number = len(self._maps)
        self._maps.append(content)
        self._files[file.name] = number
        for key, (offset, size_of, entry_digest, arrays) in json.loads(index).items():
            if start + offset + size_of > size:
                raise StoreError(f"{file} is damaged: it is cut off; remove it")
            described = tuple((name, kind, tuple(shape)) for name, kind, shape in arrays)
            self._entries[key] = Entry(number, start + offset, size_of, entry_digest, described)

    def __contains__(self, key: str) -> bool:
        return _short(key) in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def keys(self) -> Iterator[str]:
        """The digests of the sentences that are there."""
        return iter(self._entries)

    def read(self, key: str) -> Dict[str, numpy.ndarray]:
        """A sentence's arrays, which may not be written to.

        # Raises

        KeyError
            If the sentence is not in the store.
        StoreError
            If its bytes are damaged.
        """
        entry = self._entries[_short(key)]
        content = self._maps[entry.shard][entry.offset : entry.offset + entry.size]
        described = json.dumps(entry.arrays).encode()
        if digest_of(_short(key).encode(), described, content).hex() != entry.digest:
            names = {number: name for name, number in self._files.items()}
            raise StoreError(
                f"{self.path / names[entry.shard]} is damaged: an entry's digest; remove it"
            )
        arrays, offset = {}, 0
        for name, kind, shape in entry.arrays:
            count = int(numpy.prod(shape, dtype=numpy.int64))
            array = numpy.frombuffer(content, dtype=kind, count=count, offset=offset)
            arrays[name] = array.reshape(shape)
            offset += array.nbytes
        return arrays

    def write(self, entries: Dict[str, Dict[str, numpy.ndarray]]) -> None:
        """Adds sentences, as one shard."""
        index, parts, offset = {}, [], 0
        for key, arrays in entries.items():
            arrays = {name: numpy.ascontiguousarray(array) for name, array in arrays.items()}
            described = [[name, each.dtype.str, list(each.shape)] for name, each in arrays.items()]
            content = b"".join(each.tobytes() for each in arrays.values())
            digest = digest_of(_short(key).encode(), json.dumps(described).encode(), content)
            index[_short(key)] = [offset, len(content), digest.hex(), described]
            parts.append(content)
            offset += len(content)
        packed = json.dumps(index).encode()
        prefix = PREFIX.pack(MAGIC, FORMAT, len(packed), digest_of(packed))
        with atomic_file(self.path / f"{uuid.uuid4().hex}.shard") as file:
            for part in (prefix, packed, *parts):
                file.write(part)
        self.refresh()


def _short(key: str) -> str:
    return digest_of(key.encode()).hex()
