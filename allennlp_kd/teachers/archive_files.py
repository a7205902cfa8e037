"""The files of an AllenNLP archive, taken out of it with care."""
import hashlib
import os
import shutil
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Iterator

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
        If there is no such archive, it is damaged, it lacks a file, or a member would be written outside
        of the folder or is no plain file.
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
    try:
        with tarfile.open(archive_file, "r:gz") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
                    raise ConfigurationError(
                        f"the archive {archive_file} has the member '{member.name}', which is not a plain "
                        "file inside of it"
                    )
                archive.extract(member, folder)
    except (tarfile.ReadError, EOFError, OSError) as error:
        raise ConfigurationError(f"the archive {archive_file} is damaged: {error}") from error


def _require_files(folder: Path, archive_file: str) -> None:
    absent = [name for name in REQUIRED if not (folder / name).exists()]
    if absent:
        raise ConfigurationError(f"the archive {archive_file} lacks {', '.join(absent)}")


def fingerprint(folder: Path) -> str:
    """A digest of the weights, the configuration and the vocabulary: what a teacher's scores depend on."""
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
