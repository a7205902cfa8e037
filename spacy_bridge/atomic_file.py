"""Atomic writes: if the process is killed, a file is either complete or absent."""

import os
import shutil
import stat
import tempfile
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Iterator

SUFFIX = ".unfinished"
LEFT_ALONE = 3600.0  # seconds; an unfinished file older than this belongs to a killed process


@contextmanager
def atomic_file(path: Path, replace: bool = True) -> Iterator[BinaryIO]:
    """Opens a file for writing; it gets its name only after it has been written to disk.

    # Parameters

    path : `Path`
        Its folder must be there.
    replace : `bool`, optional (default = `True`)
        Otherwise a file that exists by then stays, where the file system has links.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=SUFFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _permissions(path.parent))
        if replace or not _linked(temporary, path):
            os.replace(temporary, path)
        else:
            os.unlink(temporary)
    except BaseException:
        os.unlink(temporary)
        raise
    _sync_folder(path.parent)


def remove_unfinished(folder: Path, older_than: float = 0.0) -> None:
    """Removes unfinished files of killed processes.

    # Parameters

    folder : `Path`
    older_than : `float`, optional (default = `0.0`)
        Seconds since the last byte was written: more than a process at work lets pass.
    """
    for path in folder.glob(f".*{SUFFIX}"):
        try:
            if time.time() - path.stat().st_mtime >= older_than:
                path.unlink()
        except OSError:
            pass  # it has its name now, another process removed it, or only its owner may remove it


def link_atomically(source: Path, target: Path) -> None:
    """Gives a file a second name, or copies it if the file system has no links."""
    if target.exists() and os.path.samefile(source, target):
        return  # renaming one name of a file to another would leave both
    temporary = target.with_name(f".{uuid.uuid4().hex}{SUFFIX}")
    try:
        os.link(source, temporary)
    except OSError:
        copy_atomically(source, target)
        return
    os.replace(temporary, target)
    _sync_folder(target.parent)


def copy_atomically(source: Path, target: Path) -> None:
    """Copies a file, so that what is written into the copy does not change the original."""
    with open(source, "rb") as content, atomic_file(target) as file:
        shutil.copyfileobj(content, file)


def _linked(temporary: str, path: Path) -> bool:
    """Links a file to its name, or finds it taken; returns `False` if links are not supported."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    except OSError:
        return False
    return True


def _permissions(folder: Path) -> int:
    """Gives the file the folder's permissions; a temporary file is readable only by its owner."""
    return stat.S_IMODE(folder.stat().st_mode) & 0o666


def _sync_folder(folder: Path) -> None:
    """Syncs the folder, so that the name is on disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # some file systems do not support it
    finally:
        os.close(handle)
