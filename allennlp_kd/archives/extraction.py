"""Extracts an archive into a private folder."""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.limits import MIB, Limits
from allennlp_kd.archives.members import CONFIG, VOCABULARY, WEIGHTS, Content, members


@contextmanager
def extracted(path: Path, limits: Optional[Limits] = None, links: bool = False) -> Iterator[Path]:
    """A temporary private folder with an archive's files, for the duration of the context.

    What is checked there is what is used: nobody else changes it in between.

    # Parameters

    path, limits, links
        As `members` has them.

    # Raises

    ArchiveError
        As `members` does; if a file that each archive has is missing; or if there is no room.
    """
    folder = Path(tempfile.mkdtemp(prefix="allennlp-kd-"))
    try:
        for member in members(path, limits, links):
            if member.size > shutil.disk_usage(folder).free:
                raise ArchiveError(
                    f"{path} has {member.name!r} of {member.size:,} bytes, for which "
                    f"{folder.parent} has too little space; set TMPDIR to another folder"
                )
            try:
                _write(member.file, folder / member.name)
            except OSError as error:
                raise ArchiveError(
                    f"{path}: {member.name!r} cannot be unpacked: {error}"
                ) from error
        absent = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
        absent += [] if (folder / VOCABULARY).is_dir() else [VOCABULARY]
        if absent:
            raise ArchiveError(f"{path} is not an AllenNLP archive: it lacks {', '.join(absent)}")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(source: Content, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "xb") as file:
        shutil.copyfileobj(source, file, MIB)  # type: ignore[misc]
