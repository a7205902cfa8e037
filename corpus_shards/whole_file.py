"""Files that are whole or not there."""

import os
import tempfile
import time
from pathlib import Path

PREFIX, SUFFIX = ".", ".unfinished"
LEFT_ALONE = 3600.0  # seconds, after which an unfinished file is one of a killed process


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file under another name, and gives it its own when it is on the disk."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=PREFIX, suffix=SUFFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.parent.stat().st_mode & 0o666)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def remove_unfinished(folder: Path) -> None:
    """Removes what killed processes have left of their files."""
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        try:
            if time.time() - path.stat().st_mtime >= LEFT_ALONE:
                path.unlink()
        except FileNotFoundError:
            pass  # it has its name by now, or another has removed it
