"""Lists the tensors in a torch file and the positions of their numbers, without creating them.

It is run as a program of its own, with limits of memory and time, because a small pickle can ask for much
of both (see `weight_process.py`). It takes the file as its standard input, imports only the
standard library, and calls nothing that a pickle names.
"""

import io
import json
import pickle
import reprlib
import struct
import sys
import zipfile
from collections import OrderedDict
from typing import Any, BinaryIO, Dict, List, NamedTuple, Tuple

ITEM_SIZES = {
    "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8,
    "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1,
}  # fmt: skip
"""Bytes per number, by the storage types of weights."""

REBUILD = tuple(f"_rebuild_{name}" for name in ("tensor", "tensor_v2", "parameter"))

DAMAGE = (
    pickle.UnpicklingError, zipfile.BadZipFile, struct.error, RuntimeError, EOFError, OSError, MemoryError,
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError,
    NotImplementedError,
)  # fmt: skip
"""Exceptions that Python raises for a malformed file."""

_ZIP = b"PK\x03\x04"
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # the format of torch before 1.6
_LARGEST_PICKLE = 64 << 20
_MOST_TENSORS = 100_000
_MOST_VIEWS = 4
"""The maximum total size of all tensors relative to the file; shared weights appear two or three
times.
"""


class Storage(NamedTuple):
    """The description of a storage in a pickle."""

    key: str
    kind: str
    numbers: int

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.numbers * ITEM_SIZES[self.kind]


class Outline(NamedTuple):
    """The description of a tensor in a pickle: a view of a storage."""

    storage: Storage
    offset: int
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]


class TensorOutlines(pickle._Unpickler):  # type: ignore[name-defined,misc]
    """Unpickles descriptions of tensors and storages only.

    It is Python's own implementation of pickle, whose memo does not grow with a number in the file, as
    that of the faster one does.

    # Parameters

    file : `BinaryIO`
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: Dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch", "Size"):
            return tuple
        if module == "torch._utils" and name in REBUILD:
            return self._same if name == "_rebuild_parameter" else self._outline
        if module == "torch" and name in ITEM_SIZES:
            return name
        raise pickle.UnpicklingError(f"{_short(module)}.{_short(name)} is not part of a tensor")

    def persistent_load(self, saved_id: Any) -> Storage:
        kind, storage_type, key, _, numbers, *view = saved_id
        known = isinstance(storage_type, str) and storage_type in ITEM_SIZES
        if kind != "storage" or not known or not _is_count(numbers) or view not in ([], [None]):
            raise pickle.UnpicklingError(f"{_short(saved_id)} is not a storage")
        storage = Storage(str(key), storage_type, numbers)
        if self.storages.setdefault(storage.key, storage) != storage:
            raise pickle.UnpicklingError(f"the storage {_short(key)} occurs with two sizes")
        return storage

    @staticmethod
    def _same(data: Any, *rest: Any) -> Any:
        return data

    @staticmethod
    def _outline(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> Outline:
        """Returns the description of a tensor, which must lie within its storage."""
        numbers = 1
        last: List[int] = []
        for count, step in zip(size, stride):
            if not _is_count(count) or not _is_count(step):
                raise pickle.UnpicklingError(
                    f"a tensor has the shape {_short(size)} and the strides {_short(stride)}"
                )
            numbers *= count
            last.append((count - 1) * step)
        fits = isinstance(storage, Storage) and _is_count(offset) and len(size) == len(stride)
        if (
            not fits
            or numbers
            and (offset + sum(last) >= storage.numbers or numbers > storage.numbers)
        ):
            raise pickle.UnpicklingError(
                f"a tensor of shape {_short(tuple(size))} does not fit into {_short(storage)} at "
                f"{_short(offset)}"
            )
        return Outline(storage, offset, tuple(size), tuple(stride))


def outline(file: BinaryIO) -> Dict[str, Any]:
    """Returns the content of a torch file as JSON values.

    # Returns

    `Dict[str, Any]`
        `tensors`: name, storage, offset, shape and strides of each; `storages`: of each the type, the
        number of numbers, and its entry's name in the zip file or, in the older format, where it begins.

    # Raises

    ValueError
        Or another of `DAMAGE`, if the file is damaged, holds anything but tensors, or declares more
        than it has.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    is_zip = file.read(4) == _ZIP
    file.seek(0)
    state, places = _read_zip(file, size) if is_zip else _read_older_format(file, size)
    if not isinstance(state, dict):
        raise _Kind(f"are a {type(state).__name__}, expected a dict")
    if len(state) > _MOST_TENSORS:
        raise ValueError(f"there are {len(state):,} tensors; at most {_MOST_TENSORS:,} are allowed")
    shown = 0
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Outline):
            kind = "tensor" if isinstance(value, Outline) else type(value).__name__
            raise _Kind(f"contain {_short(name)} of type {kind}, which is not a tensor")
        if value.storage.key not in places:
            raise ValueError(f"{_short(value.storage)} is missing")
        numbers = 1
        for count in value.shape:
            numbers *= count
        shown += numbers * ITEM_SIZES[value.storage.kind]
    if shown > _MOST_VIEWS * size + (1 << 20):
        raise ValueError(f"its tensors show {shown:,} bytes, but the file has {size:,}")
    storages = {value.storage.key: value.storage for value in state.values()}
    return {
        "tensors": [
            [name, one.storage.key, one.offset, one.shape, one.strides]
            for name, one in state.items()
        ],
        "storages": {
            key: [storage.kind, storage.numbers, places[key]] for key, storage in storages.items()
        },
    }


def _read_zip(file: BinaryIO, size: int) -> Tuple[Any, Dict[str, str]]:
    """Reads the format since torch 1.6."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        packed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
        if packed or sum(entry.file_size for entry in entries) > size:
            raise ValueError(f"it is compressed ({_short(packed[:3])}), unlike torch files")
        sizes = {entry.filename: entry.file_size for entry in entries}
        if len(sizes) < len(entries):
            raise ValueError("an entry occurs twice")
        roots = [name[: -len("data.pkl")] for name in sizes if name.endswith("/data.pkl")]
        if len(roots) != 1 or any(name.endswith("constants.pkl") for name in sizes):
            raise ValueError("it is not a state dict; TorchScript programs are not opened")
        (root,) = roots
        if f"{root}byteorder" in sizes and archive.read(f"{root}byteorder") != b"little":
            raise ValueError("its numbers are not little-endian")
        if sizes[f"{root}data.pkl"] > _LARGEST_PICKLE:
            raise ValueError(f"its data.pkl is {sizes[f'{root}data.pkl']:,} bytes long")
        reader = TensorOutlines(io.BytesIO(archive.read(f"{root}data.pkl")))
        state = reader.load()
    places = {key: f"{root}data/{key}" for key in reader.storages}
    for key, storage in reader.storages.items():
        there = sizes.get(places[key], -1)
        if there < storage.size:
            raise ValueError(
                f"{_short(storage)} is declared, but {max(there, 0)} bytes are present"
            )
    return state, places


def _read_older_format(file: BinaryIO, size: int) -> Tuple[Any, Dict[str, int]]:
    """Reads successive pickles and then the numbers. The still older tar format is not supported."""
    magic, protocol, system = (TensorOutlines(file).load() for _ in range(3))
    if magic != _MAGIC or protocol != _PROTOCOL:
        raise ValueError("it is not a torch file (since version 0.4)")
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("its numbers are not little-endian")
    reader = TensorOutlines(file)
    state = reader.load()
    keys = TensorOutlines(file).load()
    places: Dict[str, int] = {}
    for key in keys:
        storage = reader.storages[key]
        (numbers,) = struct.unpack("<q", file.read(8))
        places[storage.key] = file.tell()
        if numbers != storage.numbers or places[storage.key] + storage.size > size:
            raise ValueError(f"{_short(storage)} is declared, but {numbers} numbers are present")
        file.seek(storage.size, io.SEEK_CUR)
    return state, places


class _Kind(ValueError):
    """The file is intact but does not contain a state dict."""


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _short(value: Any) -> str:
    """Formats a value for a message, shortened if it is long."""
    return reprlib.repr(value)


def _limit(memory: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _main() -> None:
    _limit(int(sys.argv[1]), int(sys.argv[2]))
    try:
        found = outline(sys.stdin.buffer)
    except _Kind as error:
        found = {"kind": str(error)}
    except MemoryError:
        found = {"memory": True}
    except DAMAGE as error:
        found = {"error": f"{error}" or type(error).__name__}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _main()
