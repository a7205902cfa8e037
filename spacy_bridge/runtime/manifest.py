"""The files of a packaged student, and the manifest with their checksums."""

import hashlib
import json
from pathlib import Path
from typing import Dict, List, Mapping, Union

from spacy_bridge.errors import PackageError

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


def sum_up(files: Mapping[str, bytes]) -> bytes:
    """Returns the manifest of these files: the format's version, and each file's SHA-256 checksum."""
    return spell({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})


def spell(sums: Mapping[str, str]) -> bytes:
    """Formats the manifest with these checksums.

    It has one spelling only, without spaces, so that no byte of it can change unnoticed.
    """
    return _spell({"files": sums, "format_version": FORMAT_VERSION})


def write_files(folder: Union[str, Path], files: Mapping[str, bytes]) -> None:
    """Writes the files, and then their manifest."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        _plain(name)
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_bytes(sum_up(files))


def read_files(folder: Union[str, Path]) -> Dict[str, bytes]:
    """Reads and verifies the files that the manifest names. No other file is read.

    # Raises

    PackageError
        If a file is missing or damaged, or the version is another.
    """
    folder = Path(folder)
    files = {MANIFEST: _read(folder, MANIFEST)}
    for name in names(files[MANIFEST], str(folder)):
        files[name] = _read(folder, name)
    return check_files(files, str(folder))


def names(manifest: bytes, where: str) -> List[str]:
    """Returns the names of the files in a manifest.

    # Raises

    PackageError
        If the manifest is damaged, of another version, or names a file outside its folder.
    """
    return list(_sums(manifest, where))


def check_files(files: Mapping[str, bytes], where: str) -> Dict[str, bytes]:
    """Returns the files without their manifest after verifying their checksums.

    # Parameters

    files : `Mapping[str, bytes]`
        Content by name, `manifest.json` among them.
    where : `str`
        For errors.

    # Raises

    PackageError
        As `read_files`.
    """
    if MANIFEST not in files:
        raise PackageError(f"{where}: no {MANIFEST}, so this is not a packaged student")
    checked: Dict[str, bytes] = {}
    for name, expected in _sums(files[MANIFEST], where).items():
        if name not in files:
            raise PackageError(f"{where}: {name} is missing")
        found = hashlib.sha256(files[name]).hexdigest()
        if found != expected:
            raise PackageError(
                f"{where}: {name} is damaged: its SHA-256 checksum is {found}, expected {expected}"
            )
        checked[name] = files[name]
    return checked


def read_sums(manifest: bytes, where: str) -> Dict[str, str]:
    """Returns the checksums in a manifest, by file name.

    # Raises

    PackageError
        If it is damaged, or of another version.
    """
    try:
        content = json.loads(manifest.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PackageError(f"{where}: {MANIFEST} is damaged: {error}") from error
    if not isinstance(content, dict) or _spell(content) != manifest:
        raise PackageError(f"{where}: {MANIFEST} is damaged: it is not formatted as it was written")
    version = content.get("format_version")
    if version != FORMAT_VERSION:
        raise PackageError(
            f"{where}: format version {version!r}, but this allennlp-kd reads version "
            f"{FORMAT_VERSION}: install the version that the package was made with, or a newer one"
        )
    sums = content.get("files")
    if not isinstance(sums, dict) or set(content) != {"files", "format_version"}:
        raise PackageError(f"{where}: {MANIFEST} is damaged: found the entries {sorted(content)}")
    return sums


def _sums(manifest: bytes, where: str) -> Dict[str, str]:
    sums = read_sums(manifest, where)
    for name in sums:
        _plain(name)
    return sums


def _read(folder: Path, name: str) -> bytes:
    """Reads a regular file, or a link to one, because caches and installers link files. The
    manifest verifies the content.
    """
    path = folder / name
    if not path.is_file():
        raise PackageError(f"{folder}: {name} is missing")
    return path.read_bytes()


def _plain(name: str) -> None:
    if not name or name == MANIFEST or name.startswith(".") or set(name) & set('/\\:\0"'):
        raise PackageError(f"the name of a packaged file must not contain a folder, found {name!r}")


def _spell(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("utf-8")
