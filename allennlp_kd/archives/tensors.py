"""Weights from a file of torch, with nothing in it run."""

import inspect
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, Dict, Union

import torch

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.tensor_unpickler import TensorOutlines, TensorUnpickler

_DAMAGE = (
    pickle.UnpicklingError, zipfile.BadZipFile, struct.error, RuntimeError, EOFError, OSError, MemoryError,
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError,
    NotImplementedError,
)  # fmt: skip
"""What torch and pickle raise of a file that is not what it should be."""

_ZIP = b"PK\x03\x04"
_LARGEST_PICKLE = 64 << 20


def load_tensors(source: Union[Path, bytes], where: str) -> Dict[str, torch.Tensor]:
    """The tensors of a state dict, on the CPU.

    # Parameters

    source : `Union[Path, bytes]`
        A file, or its content.
    where : `str`
        For errors.

    # Raises

    ArchiveError
        If the file is damaged, holds anything but tensors, or declares more than it has.
    """
    try:
        with open(source, "rb") if isinstance(source, Path) else io.BytesIO(source) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            if file.read(4) == _ZIP:
                _check_zip(file, size)
            else:
                _check_older_format(file)
            file.seek(0)
            state = torch.load(file, map_location="cpu", **_options())
    except _DAMAGE as error:
        raise ArchiveError(
            f"the weights of {where} are damaged, or hold more than tensors: {error}"
        ) from error
    if not isinstance(state, dict):
        raise ArchiveError(f"the weights of {where} are a {type(state).__name__}, expected a dict")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise ArchiveError(
                f"the weights of {where} hold {name!r} of type {type(value).__name__}, which is no tensor"
            )
    return dict(state)


def _options() -> Dict[str, Any]:
    if "weights_only" in inspect.signature(torch.load).parameters:
        return {"weights_only": True}
    # torch before 1.13. It wants the names of the module pickle.
    module = SimpleNamespace(Unpickler=TensorUnpickler, load=_load, __name__="tensors")
    return {"pickle_module": module}


def _load(file: BinaryIO, **options: Any) -> Any:
    return TensorUnpickler(file, **options).load()


def _check_zip(file: BinaryIO, size: int) -> None:
    """The format since torch 1.6: torch itself does not compare what is declared with what is there."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        packed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
        if packed or sum(entry.file_size for entry in entries) > size:
            raise ValueError(
                f"it is compressed ({', '.join(packed[:3])}), which torch's files are not"
            )
        if len(set(names)) < len(names):
            raise ValueError("an entry is there twice")
        roots = [name[: -len("data.pkl")] for name in names if name.endswith("/data.pkl")]
        if len(roots) != 1 or any(name.endswith("constants.pkl") for name in names):
            raise ValueError("it is no state dict; programs of TorchScript are not opened")
        entry = archive.getinfo(f"{roots[0]}data.pkl")
        if entry.file_size > _LARGEST_PICKLE:
            raise ValueError(f"its data.pkl is {entry.file_size:,} bytes long")
        outlines = TensorOutlines(io.BytesIO(archive.read(entry)))
        outlines.load()
        sizes = {entry.filename: entry.file_size for entry in entries}
        for storage in outlines.storages.values():
            there = sizes.get(f"{roots[0]}data/{storage.key}", -1)
            if there < storage.numbers * storage.item_size:
                raise ValueError(f"{storage!r} is declared, and {max(there, 0)} bytes are there")


def _check_older_format(file: BinaryIO) -> None:
    """Pickles one after the other. Before that came tar files, which torch unpacks to disk."""
    file.seek(0)
    try:
        tarfile.TarFile(fileobj=file).close()
    except tarfile.TarError:
        return
    raise ValueError("it is a tar file, which torch has not written since 0.4")
