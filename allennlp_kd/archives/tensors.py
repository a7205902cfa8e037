"""Reads weights from a torch file without running anything in it."""

import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Union

import torch

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.weight_outlines import DAMAGE, ITEM_SIZES
from allennlp_kd.archives.weight_process import outlines_of

_TYPES = {
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}  # fmt: skip


def load_tensors(source: Union[Path, bytes], where: str) -> Dict[str, torch.Tensor]:
    """Returns the tensors of a state dict, on the CPU.

    Another process reads what tensors there are, with limits of memory and time; here their numbers are
    read from the places that it found. `torch.load`, which unpickles, is not called.

    # Parameters

    source : `Union[Path, bytes]`
        A file, or its content.
    where : `str`
        For errors.

    # Raises

    ArchiveError
        If the file is damaged, holds anything but tensors, or declares more than it has; or if reading
        it takes more than the limits of `WeightLimits`.
    """
    try:
        with _opened(source) as file:
            outlines = outlines_of(file, where)
            file.seek(0)
            storages = _storages(file, outlines["storages"])
    except ArchiveError:
        raise
    except DAMAGE as error:
        raise ArchiveError(
            f"the weights of {where} are damaged, or contain more than tensors: {error}"
        ) from error
    return {
        name: torch.as_strided(storages[key], shape, strides, offset)
        for name, key, offset, shape, strides in outlines["tensors"]
    }


@contextmanager
def _opened(source: Union[Path, bytes]) -> Iterator[BinaryIO]:
    """Returns a real file, which another process can read."""
    if isinstance(source, Path):
        with open(source, "rb") as file:
            yield file
        return
    with tempfile.TemporaryFile(prefix="allennlp-kd-") as made:
        made.write(source)
        made.flush()
        yield made  # type: ignore[misc]


def _storages(file: BinaryIO, outlines: Dict[str, List[Any]]) -> Dict[str, torch.Tensor]:
    is_zip = any(isinstance(place, str) for _, _, place in outlines.values())
    archive: Optional[zipfile.ZipFile] = zipfile.ZipFile(file) if is_zip else None
    found = {}
    for key, (kind, numbers, place) in outlines.items():
        content = bytearray(numbers * ITEM_SIZES[kind])
        if archive is not None:
            with archive.open(place) as entry:
                _fill(content, entry, key)
                while entry.read(1 << 20):  # to its end, where the checksum is verified
                    pass
        else:
            file.seek(place)
            _fill(content, file, key)
        dtype = _TYPES[kind]
        found[key] = (
            torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
        )
    return found


def _fill(content: bytearray, file: Any, key: str) -> None:
    view, place = memoryview(content), 0
    while place < len(content):
        count = file.readinto(view[place : place + (1 << 24)])
        if not count:
            raise ValueError(f"the storage {key} is truncated")
        place += count
