"""The files of an AllenNLP archive, taken out of it with care."""

import hashlib
import inspect
import json
import os
import pickle
import shutil
import tarfile
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Iterator, List, Tuple

import torch
from allennlp.common.checks import ConfigurationError

REQUIRED = ("config.json", "weights.th", "vocabulary")


@contextmanager
def extracted(archive_file: str) -> Iterator[Path]:
    """A folder with the archive's files, for as long as the context lasts.

    # Parameters

    archive_file : `str`
        A `.tar.gz` file or a folder with the same files.

    # Raises

    ConfigurationError
        If there is no such archive, it is damaged, it lacks a file, or a member would be written
        outside of the folder or is no plain file.
    """
    path = Path(archive_file)
    if not path.exists():
        raise ConfigurationError(f"there is no teacher archive at {archive_file}")
    if path.is_dir():
        _require_files(path, archive_file)
        yield path
        return
    folder = Path(tempfile.mkdtemp(prefix="allennlp-kd-"))
    try:
        _extract(archive_file, folder)
        _require_files(folder, archive_file)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _extract(archive_file: str, folder: Path) -> None:
    # Where Python knows it, its own filter stands behind the check here.
    options = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    try:
        with tarfile.open(archive_file, "r:gz") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if (
                    name.is_absolute()
                    or ".." in name.parts
                    or not (member.isfile() or member.isdir())
                ):
                    raise ConfigurationError(
                        f"the archive {archive_file} has the member '{member.name}', which is not "
                        "a plain file inside of it"
                    )
                archive.extract(member, folder, **options)
            # The check sum stands at the end, where the last member does not reach.
            while archive.fileobj.read(1 << 20):
                pass
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ConfigurationError(f"the archive {archive_file} is damaged: {error}") from error


def _require_files(folder: Path, archive_file: str) -> None:
    absent = [name for name in REQUIRED if not (folder / name).exists()]
    if absent:
        raise ConfigurationError(f"the archive {archive_file} lacks {', '.join(absent)}")


def version_of(archive_file: str) -> Tuple:
    """What changes when an archive is replaced: its path, and time and size of its files."""
    path = Path(archive_file).resolve()
    files = [path]
    if path.is_dir():
        files = [path / name for name in REQUIRED[:2]] + sorted((path / "vocabulary").glob("*.txt"))
    states = [(each, each.stat()) for each in files if each.exists()]
    return tuple((str(each), state.st_mtime_ns, state.st_size) for each, state in states)


def check_weights(folder: Path, archive_file: str) -> None:
    """Refuses weights that are damaged, or hold more than tensors, where torch (1.13) can tell.

    # Raises

    ConfigurationError
        If they are.
    """
    if "weights_only" not in inspect.signature(torch.load).parameters:
        return
    try:
        torch.load(folder / "weights.th", map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        raise ConfigurationError(
            f"the weights of {archive_file} are damaged, or hold more than tensors: {error}"
        ) from error


def absent_checkpoints(folder: Path) -> List[str]:
    """The transformers that an archive's configuration names, and that are no folders here."""
    found: List[str] = []

    def search(value: Any) -> None:
        if isinstance(value, dict):
            name = value.get("model_name")
            if isinstance(name, str) and name not in found and not os.path.isdir(name):
                found.append(name)
            value = list(value.values())
        for part in value if isinstance(value, list) else ():
            search(part)

    search(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    return found


def fingerprint(folder: Path) -> str:
    """A digest of what a teacher's scores depend on: weights, configuration and vocabulary."""
    digest = hashlib.blake2b(digest_size=16)
    files = [folder / "config.json", folder / "weights.th"]
    files += sorted(path for path in (folder / "vocabulary").rglob("*") if path.name != ".lock")
    for path in files:
        if path.is_dir():
            continue
        digest.update(os.fsencode(str(path.relative_to(folder))) + b"\0")
        digest.update(str(path.stat().st_size).encode() + b"\0")
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
