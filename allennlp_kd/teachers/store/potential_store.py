"""A store of scores: shards of named arrays, written atomically by any number of workers.

A store is a folder of one header and any number of shards:

    header.json   what made it, labels, and the arrays that all sentences share
    *.shard       sentences (`shard_files`)

The digest of a shard's index is of the store's header too, so a shard belongs to only one store. A file
is written under a temporary name and moved into place, so an existing file is complete.
"""

import json
import logging
import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Optional, Set

import numpy

from allennlp_kd.teachers.store.shard_files import (
    Entry,
    arrays_of,
    digest_of,
    entries_of,
    mapped,
    packed_shard,
)
from allennlp_kd.teachers.store.store_error import StoreError
from spacy_bridge.atomic_file import LEFT_ALONE, atomic_file, remove_unfinished

logger = logging.getLogger(__name__)

FORMAT = 2
READABLE = (1, FORMAT)  # in format 1 the digest of the index covered only the index

OPEN_FILES = (
    64  # shards at once: a process may open 1,024 files, and a large corpus has more shards
)


class PotentialStore:
    """A folder with the scores of sentences.

    Its shards are looked into when the first sentence is asked for: who only writes, or only needs
    what all sentences share, needs none of them. Folder and header are written with the first
    shard,
    so that a store which holds nothing is bound to nothing.

    # Parameters

    path : `str`
        The folder; it is made if it is not there.
    header : `Dict[str, Any]`, optional
        What the store must have been made with (JSON values). Without it, the store must exist. The
        header of a store without a shard is replaced when the first one is written.

    # Raises

    StoreError
        If the store's header is another or damaged, or cannot be written; when a sentence is asked
        for, if a shard is damaged.
    """

    def __init__(self, path: str, header: Optional[Dict[str, Any]] = None) -> None:
        self.path = Path(path)
        self._header_file = self.path / "header.json"
        self._looked_into: Set[Path] = set()
        self._entries: Optional[Dict[str, Entry]] = None
        self._mapped = lru_cache(maxsize=OPEN_FILES)(mapped)
        if header is not None:
            header = json.loads(json.dumps(header))
        self._unwritten: Optional[Dict[str, Any]] = None
        self._replaced: Optional[Dict[str, Any]] = None
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"the store at {path} is a file, expected a folder")
        exists = self._header_file.exists()
        if not exists and header is None:
            raise StoreError(f"the store {path} does not exist")
        if exists:
            self.header = self._read_header()
        if header is not None and (not exists or self.is_empty(path)):
            self._unwritten = {"format": FORMAT, **header}
            self._replaced = self.header if exists else None
            self.header = self._unwritten
        else:
            self._compare(header)
        if header is not None:
            remove_unfinished(self.path, LEFT_ALONE)

    @staticmethod
    def exists(path: str) -> bool:
        """Whether the store exists, complete or not."""
        return (Path(path) / "header.json").exists()

    @staticmethod
    def is_empty(path: str) -> bool:
        """Whether the folder contains no scores, or does not exist."""
        return next(Path(path).glob("*.shard"), None) is None

    def _write_header(self) -> None:
        """Writes the header. If another worker wrote one first, it must be the same."""
        if self._unwritten is None:
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the store at {self.path} cannot be created: {error}") from error
        stale = self._replaced is not None and self._header_file.exists()
        replace = stale and self._read_header() == self._replaced
        self._write(self._header_file, _packed_header(self._unwritten), replace=replace)
        self.header = self._read_header()
        self._compare(self._unwritten)
        self._unwritten = None

    def _read_header(self) -> Dict[str, Any]:
        if not self._header_file.is_file():  # opening a pipe would block
            raise StoreError(f"{self._header_file} cannot be read: it is not a file")
        try:
            content = self._header_file.read_bytes()
            header = json.loads(content)["header"]
        except OSError as error:
            raise StoreError(f"{self._header_file} cannot be read: {error}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(
                f"{self._header_file} is damaged: {error}; remove the store"
            ) from error
        if _packed_header(header) != content:
            raise StoreError(
                f"{self._header_file} is damaged: its digest does not match; remove the store"
            )
        return header

    def _compare(self, expected: Optional[Dict[str, Any]] = None) -> None:
        expected = dict(expected or {})
        if self.header.get("format") not in READABLE:
            expected["format"] = FORMAT
        for name, value in expected.items():
            found = self.header.get(name)
            if found != value:
                why = " (it is another teacher, or a file such as its tokenizer has changed)"
                raise StoreError(
                    f"the store at {self.path} was made with another {name}: expected {value}, "
                    f"found {found}{why if name == 'fingerprint' else ''}; remove it or name "
                    "another folder"
                )

    def refresh(self) -> None:
        """Finds the shards that were added since the last call."""
        found: Dict[str, Entry] = {}
        faults = []
        files = sorted(set(self.path.glob("*.shard")) - self._looked_into)
        for file in files:
            try:
                found.update(entries_of(file, self.header["format"], self._seal))
            except StoreError as error:
                faults.append(str(error))
        if faults:
            raise StoreError("\n".join(faults))
        self._entries = self._entries or {}
        self._entries.update(found)
        self._looked_into.update(files)

    def _known(self) -> Dict[str, Entry]:
        if self._entries is None:
            self.refresh()
        assert self._entries is not None
        return self._entries

    def __contains__(self, key: str) -> bool:
        return _short(key) in self._known()

    def __len__(self) -> int:
        return len(self._known())

    def read(self, key: str) -> Dict[str, numpy.ndarray]:
        """Reads a sentence's arrays, which are read-only.

        # Raises

        KeyError
            If the sentence is not in the store.
        StoreError
            If its bytes are damaged, or its shard no longer exists.
        """
        short = _short(key)
        entry = self._known()[short]
        return arrays_of(short, entry, self._mapped(entry.file))

    def has_shard(self, name: str) -> bool:
        """Whether there is a shard with this name that is not damaged; only its index is read."""
        file = self.path / f"{name}.shard"
        if not file.exists():
            return False
        try:
            entries_of(file, self.header["format"], self._seal)
        except StoreError as error:
            logger.warning("%s", error)
            return False
        return True

    def write(self, entries: Dict[str, Dict[str, numpy.ndarray]], name: str = "") -> None:
        """Writes sentences as one new shard.

        # Parameters

        entries : `Dict[str, Dict[str, numpy.ndarray]]`
            By key: arrays by name.
        name : `str`, optional
            Of the shard, in place of a random one. A shard that has this name stays, unless it is
            damaged.

        # Raises

        StoreError
            If the disk is full, or whatever else hinders; none of them is stored then.
        """
        self._write_header()
        shortened = {_short(key): arrays for key, arrays in entries.items()}
        parts = packed_shard(shortened, self.header["format"], self._seal)
        replace = bool(name) and not self.has_shard(name)
        self._write(self.path / f"{name or uuid.uuid4().hex}.shard", *parts, replace=replace)
        if self._entries is not None:
            self.refresh()

    def _seal(self, index: bytes) -> bytes:
        if self.header["format"] == 1:
            return digest_of(index)
        return digest_of(_packed_header(self.header), index)

    def _write(self, path: Path, *parts: bytes, replace: bool = False) -> None:
        try:
            with atomic_file(path, replace=replace) as file:
                for part in parts:
                    file.write(part)
        except OSError as error:
            raise StoreError(
                f"the store at {self.path} cannot be written: {error}. The scores written so far "
                "are kept; free some disk space, and run the same command again to continue"
            ) from error


def _packed_header(header: Dict[str, Any]) -> bytes:
    digest = digest_of(json.dumps(header, sort_keys=True).encode()).hex()
    return json.dumps({"header": header, "digest": digest}, indent=1).encode()


def _short(key: str) -> str:
    return digest_of(key.encode()).hex()
