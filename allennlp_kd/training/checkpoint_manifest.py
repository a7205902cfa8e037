"""The manifest of a checkpoint: the names and digests of its files."""

import hashlib
import json
import re
from pathlib import Path
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

from spacy_bridge.atomic_file import atomic_file

_NAME = re.compile(r"checkpoint_e(\d+)_b(\d+)\.json")
_BLOCK = 1 << 20
Point = Tuple[int, int]
"""The number of completed epochs, and of batches in the next epoch."""


class CheckpointManifest(NamedTuple):
    """The last file of a checkpoint to be written; a checkpoint without it is incomplete.

    # Parameters

    files : `Dict[str, str]`
        SHA-256 by file name.
    best : `str`, optional
        Which of the files holds the best weights so far.
    """

    files: Dict[str, str]
    best: Optional[str]

    @staticmethod
    def path(folder: Path, point: Point) -> Path:
        """Returns the path of the manifest for a point in time."""
        return folder / f"checkpoint_e{point[0]}_b{point[1]}.json"

    @staticmethod
    def points(folder: Path) -> Iterator[Point]:
        """Returns the points in time for which a folder has a manifest, in no order."""
        for path in folder.glob("checkpoint_e*_b*.json"):
            match = _NAME.fullmatch(path.name)
            if match is not None:
                yield int(match.group(1)), int(match.group(2))

    @classmethod
    def read(cls, folder: Path, point: Point) -> "CheckpointManifest":
        """
        # Raises

        ValueError
            If it is damaged.
        """
        path = cls.path(folder, point)
        try:
            content = json.loads(path.read_bytes())
            found = cls(dict(content["files"]), content["best"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged: {error}") from error
        if found.best is not None and found.best not in found.files:
            raise ValueError(f"{path} is damaged: {found.best!r} is not one of its files")
        return found

    def write(self, folder: Path, point: Point) -> None:
        """Writes the manifest, which completes the checkpoint."""
        content = json.dumps({"files": self.files, "best": self.best}, indent=1)
        with atomic_file(self.path(folder, point)) as file:
            file.write(content.encode())

    def check(self, folder: Path) -> None:
        """
        # Raises

        ValueError
            If a file is missing or has another digest; it names the first.
        """
        for name, digest in self.files.items():
            path = folder / name
            if not path.is_file():
                raise ValueError(f"{path} is missing")
            if sha256(path) != digest:
                raise ValueError(f"{path} is damaged: its digest does not match the manifest")


def sha256(path: Path) -> str:
    """Returns the SHA-256 digest of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
