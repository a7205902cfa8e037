"""The output folder of an annotated corpus."""

import json
from pathlib import Path
from typing import Any, Dict, Iterable

from spacy_bridge.atomic_file import LEFT_ALONE, atomic_file, remove_unfinished
from spacy_bridge.errors import BridgeError

RECORD = "run.json"


def open_output(folder: Path, record: Dict[str, Any], files: Iterable[Path]) -> None:
    """Creates the folder, or checks that it belongs to the same run.

    # Parameters

    folder : `Path`
    record : `Dict[str, Any]`
        What all its files have in common (JSON values).
    files : `Iterable[Path]`
        Those that the run will make.

    # Raises

    BridgeError
        If the folder is of another run, or has parts that this one will not make.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / RECORD
    if path.exists():
        found = _read(path)
        for name, value in record.items():
            if found.get(name) != value:
                raise BridgeError(
                    f"{folder} was made with another {name}: expected {value}, found "
                    f"{found.get(name)}; remove it or name another folder"
                )
    expected = set(files)
    others = sorted(file.name for file in folder.glob("part-*") if file not in expected)
    if others:
        raise BridgeError(
            f"{folder} has {len(others)} parts that do not belong to these inputs, the first is "
            f"{others[0]}; remove them or name another folder"
        )
    remove_unfinished(folder, LEFT_ALONE)
    with atomic_file(path) as file:
        file.write((json.dumps(record, indent=1) + "\n").encode())


def _read(path: Path) -> Dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BridgeError(
            f"{path} is damaged: {error}; remove its folder or name another one"
        ) from error
    if not isinstance(found, dict):
        raise BridgeError(
            f"{path} must contain an object, found {type(found).__name__}; remove its folder or "
            "name another one"
        )
    return found
