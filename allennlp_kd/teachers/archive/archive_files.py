"""Identifies a teacher's archive by its files."""

import hashlib
import os
from pathlib import Path
from typing import Any, List, NamedTuple, Tuple

from allennlp_kd.archives.given_files import NOTHING_GIVEN, GivenFiles
from allennlp_kd.archives.members import BEST, CONFIG, VOCABULARY, WEIGHTS


class ArchiveSource(NamedTuple):
    """The settings that identify a teacher's archive. Equal settings mean the same teacher.

    # Parameters

    archive_file : `str`
        A `model.tar.gz`, or a folder with the same files.
    given : `GivenFiles`, optional
        Replace those that the archive names.
    trust : `bool`, optional (default = `False`)
        Whether its configuration may import classes and open files, URLs and models on the Hugging Face Hub.
    """

    archive_file: str
    given: GivenFiles = NOTHING_GIVEN
    trust: bool = False

    @property
    def version(self) -> Tuple:
        """Changes when a file is replaced: the files' paths, times and sizes."""
        path = Path(self.archive_file).resolve()
        files = [path]
        if path.is_dir():
            files = [path / name for name in (CONFIG, WEIGHTS, BEST)]
            files += sorted((path / VOCABULARY).glob("*.txt"))
        for name in self.given:
            outside = Path(name or "").resolve()
            files += ([outside] if outside.is_file() else sorted(outside.glob("*"))) if name else []
        states = [(each, each.stat()) for each in files if each.exists()]
        return (self, *((str(each), state.st_mtime_ns, state.st_size) for each, state in states))


def absent_checkpoints(parts: Any) -> List[str]:
    """Returns the transformers that an archive's configuration names and that are not local
    folders.
    """
    found: List[str] = []

    def search(value: Any) -> None:
        if isinstance(value, dict):
            name = value.get("model_name")
            if isinstance(name, str) and name not in found and not os.path.isdir(name):
                found.append(name)
            value = list(value.values())
        for part in value if isinstance(value, list) else ():
            search(part)

    search(parts)
    return found


def fingerprint(folder: Path, outside: str = "") -> str:
    """Returns a digest of everything that the scores depend on: weights, configuration and
    vocabulary.

    # Parameters

    outside : `str`, optional (default = `""`)
        A digest of the files outside the archive; see `external_digest`.
    """
    digest = hashlib.blake2b(digest_size=16)
    files = [folder / CONFIG, folder / WEIGHTS]
    files += sorted(path for path in (folder / VOCABULARY).rglob("*") if path.name != ".lock")
    for path in files:
        if path.is_dir():
            continue
        digest.update(os.fsencode(str(path.relative_to(folder))) + b"\0")
        digest.update(str(path.stat().st_size).encode() + b"\0")
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    digest.update(outside.encode())
    return digest.hexdigest()
