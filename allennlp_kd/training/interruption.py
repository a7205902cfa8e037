"""Marks archives that were made from an interrupted training.

AllenNLP archives the best weights so far on Ctrl-C. `vocabulary/.interrupted` is the one place that
it puts into the archive, reads past, and does not compare on `--recover`.
"""

import json
from pathlib import Path
from typing import Any, Dict, Optional

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.members import members
from spacy_bridge.atomic_file import atomic_file

ARCHIVE, METRICS = "model.tar.gz", "metrics.json"
PLACE = Path("vocabulary") / ".interrupted"


def mark_interrupted(serialization_dir: str, progress: Dict[str, Any]) -> None:
    """Marks all archives that are made from this folder from now on.

    # Parameters

    serialization_dir : `str`
    progress : `Dict[str, Any]`
        How far the training came: `epochs_completed` of `num_epochs`.
    """
    path = Path(serialization_dir) / PLACE
    if path.parent.is_dir():
        with atomic_file(path) as file:
            file.write(json.dumps(progress).encode())


def unmark(serialization_dir: str) -> None:
    """Removes the mark, because the training has ended."""
    (Path(serialization_dir) / PLACE).unlink(missing_ok=True)


def interruption(folder: str) -> Optional[Dict[str, Any]]:
    """Returns how far an interrupted training got, from an unpacked archive or a run's folder;
    `None` if it ended.
    """
    path = Path(folder) / PLACE
    return json.loads(path.read_bytes()) if path.is_file() else None


def is_finished(folder: str) -> bool:
    """Whether the training of a run has ended and its archive is complete.

    AllenNLP also archives interrupted trainings. Only the end of a training writes `metrics.json`,
    and the archive is written after it.
    """
    archive = Path(folder) / ARCHIVE
    if not archive.is_file() or not (Path(folder) / METRICS).is_file() or interruption(folder):
        return False
    try:
        for _ in members(archive):  # to the checksum at its end
            pass
    except ArchiveError:
        return False
    return True
