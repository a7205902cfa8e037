"""The files of a teacher's archive."""

import hashlib
import os
from pathlib import Path
from typing import Any, List, Tuple

from allennlp_kd.archives.members import BEST, CONFIG, VOCABULARY, WEIGHTS


def version_of(archive_file: str) -> Tuple:
    """What changes when an archive is replaced: its path, and time and size of its files."""
    path = Path(archive_file).resolve()
    files = [path]
    if path.is_dir():
        files = [path / name for name in (CONFIG, WEIGHTS, BEST)]
        files += sorted((path / VOCABULARY).glob("*.txt"))
    states = [(each, each.stat()) for each in files if each.exists()]
    return tuple((str(each), state.st_mtime_ns, state.st_size) for each, state in states)


def absent_checkpoints(parts: Any) -> List[str]:
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

    search(parts)
    return found


def fingerprint(folder: Path) -> str:
    """A digest of what a teacher's scores depend on: weights, configuration and vocabulary."""
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
    return digest.hexdigest()
