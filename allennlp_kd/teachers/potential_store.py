"""Scores on disk: shards of named arrays, written atomically by any number of workers.

A store is a folder of one header and any number of shards:

    header.json   what made it, labels, and the arrays that all sentences share
    *.shard       magic, length of the index, digest of the index, index (JSON), then the entries'
    bytes

The index gives for each key the place of its bytes, their digest, and each array's name, type and
shape. Its own digest is of the store's header too, so a shard is of one store alone. A file is
written under a temporary name and moved into place, so a file that is there is whole.
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

from allennlp_kd.atomic_file import atomic_file, remove_unfinished

FORMAT = 2
READABLE = (1, FORMAT)  # in format 1 the digest of the index was of the index alone
MAGIC = b"allennlp-kd store"
PREFIX = struct.Struct(f"<{len(MAGIC)}sIQ16s")


LEFT_ALONE = 3600.0  # seconds, after which an unfinished file is one of a killed process
REMEDY = "remove it: its sentences are scored again, the others' scores stay"


class StoreError(Exception):
    """A store that is damaged, full, of another format, or of another teacher."""


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
    shards : `bool`, optional (default = `True`)
        Whether its shards are read; one who only writes needs none of them.

    # Raises

    StoreError
        If the store's header is another; the header or a shard is damaged; or the header cannot be
        written.
    """

    def __init__(self, path: str, header: Dict[str, Any] = None, shards: bool = True) -> None:
        self.path = Path(path)
        self._header_file = self.path / "header.json"
        self._reads_shards = shards
        self._maps: list = []
        self._files: Dict[str, int] = {}
        self._entries: Dict[str, Entry] = {}
        if header is not None:
            header = json.loads(json.dumps(header))
        if self._header_file.exists():
            self.header = self._read_header()
            self._compare(header)
        elif header is None:
            raise StoreError(f"there is no store at {path}")
        else:
            self.path.mkdir(parents=True, exist_ok=True)
            # Where another worker was first, its header stands, and must be the same.
            self._write(self._header_file, _packed_header({"format": FORMAT, **header}))
            self.header = self._read_header()
            self._compare(header)
        if header is not None:
            remove_unfinished(self.path, LEFT_ALONE)
        self.refresh()

    @staticmethod
    def exists(path: str) -> bool:
        """Whether there is a store, whole or not."""
        return (Path(path) / "header.json").exists()

    def _read_header(self) -> Dict[str, Any]:
        try:
            content = self._header_file.read_bytes()
            header = json.loads(content)["header"]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self._header_file} is damaged: {error}; remove the store"
            ) from error
        if _packed_header(header) != content:
            raise StoreError(
                f"{self._header_file} is damaged: its digest does not fit; remove the store"
            )
        return header

    def _compare(self, expected: Dict[str, Any] = None) -> None:
        expected = dict(expected or {})
        if self.header.get("format") not in READABLE:
            expected["format"] = FORMAT
        for name, value in expected.items():
            found = self.header.get(name)
            if found != value:
                why = " (the teacher is another, or has been trained on)"
                raise StoreError(
                    f"the store at {self.path} was made with another {name}: expected {value}, "
                    f"found {found}{why if name == 'fingerprint' else ''}; remove it or name another "
                    "folder"
                )

    def refresh(self) -> None:
        """Takes up the shards that have come since it was opened."""
        faults = []
        for file in sorted(self.path.glob("*.shard")) if self._reads_shards else ():
            if file.name not in self._files:
                try:
                    self._open_shard(file)
                except StoreError as error:
                    faults.append(str(error))
        if faults:
            raise StoreError("\n".join(faults))

    def _open_shard(self, file: Path) -> None:
        with open(file, "rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            if size < PREFIX.size:
                raise StoreError(f"{file} is damaged: it ends after {size} bytes; {REMEDY}")
            content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        magic, version, length, digest = PREFIX.unpack(content[: PREFIX.size])
        index = content[PREFIX.size : PREFIX.size + length]
        if magic != MAGIC or version != self.header["format"] or self._seal(index) != digest:
            raise StoreError(f"{file} is damaged or of another format or store; {REMEDY}")
        start = PREFIX.size + length
        number = len(self._maps)
        entries = json.loads(index)
        end = max((offset + size_of for offset, size_of, _, _ in entries.values()), default=0)
        if start + end > size:
            raise StoreError(f"{file} is damaged: it is cut off; {REMEDY}")
        self._maps.append(content)
        self._files[file.name] = number
        for key, (offset, size_of, entry_digest, arrays) in entries.items():
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
                f"{self.path / names[entry.shard]} is damaged: an entry's digest; {REMEDY}"
            )
        arrays, offset = {}, 0
        for name, kind, shape in entry.arrays:
            count = int(numpy.prod(shape, dtype=numpy.int64))
            array = numpy.frombuffer(content, dtype=kind, count=count, offset=offset)
            arrays[name] = array.reshape(shape)
            offset += array.nbytes
        return arrays

    def write(self, entries: Dict[str, Dict[str, numpy.ndarray]], name: str = "") -> None:
        """Adds sentences, as one shard.

        # Parameters

        entries : `Dict[str, Dict[str, numpy.ndarray]]`
            By key: arrays by name.
        name : `str`, optional
            Of the shard, in place of a random one; where there is one of that name, it stays.

        # Raises

        StoreError
            If the disk is full, or whatever else hinders; nothing of them is there then.
        """
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
        prefix = PREFIX.pack(MAGIC, self.header["format"], len(packed), self._seal(packed))
        self._write(self.path / f"{name or uuid.uuid4().hex}.shard", prefix, packed, *parts)
        self.refresh()

    def _seal(self, index: bytes) -> bytes:
        if self.header["format"] == 1:
            return digest_of(index)
        return digest_of(_packed_header(self.header), index)

    def _write(self, path: Path, *parts: bytes) -> None:
        try:
            with atomic_file(path, replace=False) as file:
                for part in parts:
                    file.write(part)
        except OSError as error:
            raise StoreError(
                f"the store at {self.path} cannot be written: {error}. What was written before "
                "is kept; make room, and it goes on from there"
            ) from error


def _packed_header(header: Dict[str, Any]) -> bytes:
    digest = digest_of(json.dumps(header, sort_keys=True).encode()).hex()
    return json.dumps({"header": header, "digest": digest}, indent=1).encode()


def _short(key: str) -> str:
    return digest_of(key.encode()).hex()
