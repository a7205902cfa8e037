"""Computes a digest of the files outside an archive that the teacher's scores depend on."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Tuple

from allennlp.common.checks import ConfigurationError

from allennlp_kd.archives.external_references import external_values

# A transformer's weights are in the archive. The content of these files affects no score.
_UNREAD = (
    ".bin", ".safetensors", ".h5", ".msgpack", ".ot", ".onnx", ".pt", ".pth", ".ckpt",
    ".index.json", ".md",
)  # fmt: skip


def external_digest(parts: Dict[str, Any], is_carried: Callable[[str], bool]) -> str:
    """Returns a digest of the files outside the archive that its configuration names.

    For a transformer's folder, these are its architecture and its tokenizer. A name that is not a path on
    this machine, such as one on the Hugging Face Hub, stands for itself.

    # Parameters

    parts : `Dict[str, Any]`
        Those parts of the configuration that are built, with the user's own files in their places.
    is_carried : `Callable[[str], bool]`
        Whether the archive has a transformer of this name inside.

    # Returns

    `str`
        Empty where nothing outside the archive is named.

    # Raises

    ConfigurationError
        If a file cannot be read, or the path of a folder leads nowhere.
    """
    named = [
        (place, value)
        for place, _, value, _ in external_values(parts, is_carried)
        if isinstance(value, str)
    ]
    if not named:
        return ""
    contents = {value: _content(value) for value in {value for _, value in named}}
    lines = sorted((place, contents[value]) for place, value in named)
    return hashlib.blake2b(json.dumps(lines).encode(), digest_size=16).hexdigest()


def _content(value: str) -> str:
    path = Path(value)
    if not path.exists():
        if path.is_absolute() or value.startswith("."):
            raise ConfigurationError(
                f"the file or folder {value}, which the teacher's scores depend on, does not "
                "exist: give its new path, or read a complete store without its teacher"
            )
        return value
    digest = hashlib.blake2b(digest_size=16)
    for name, file in _files(path):
        digest.update(name.encode("utf-8", errors="surrogateescape") + b"\0")
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be read: {error}") from error
        digest.update(str(len(content)).encode() + b"\0" + content)
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Tuple[str, Path]]:
    """Returns the files of a folder by their relative paths; a single file gets no name, because it
    may be moved.
    """
    if not path.is_dir():
        yield "", path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith(_UNREAD):
                file = Path(folder) / name
                yield file.relative_to(path).as_posix(), file
