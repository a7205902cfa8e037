"""A student's archive, read without AllenNLP and without running anything that it holds."""
import io
import json
import tarfile
import warnings
from pathlib import Path
from typing import Any, Dict, List, Union

import numpy

from spacy_bridge.packaging.safe_weights import load_weights
from spacy_bridge.packaging.errors import UnsupportedError
from spacy_bridge.runtime.errors import BridgeError
from spacy_bridge.runtime.vocabulary import PADDING, UNKNOWN

_CONFIG, _WEIGHTS, _VOCABULARY = "config.json", "weights.th", "vocabulary"
_INTERRUPTED = f"{_VOCABULARY}/.interrupted"  # see allennlp_kd/training/interruption.py


class StudentArchive:
    """The student in an archive that `allennlp train` wrote, alone or inside of `distillation`.

    Of one that a training left which was interrupted, it warns.

    The configuration is read as JSON, which an archive's is; nothing in it is evaluated, imported or
    looked up on a hub.

    # Parameters

    path : `Union[str, Path]`
        A `model.tar.gz`, or the folder of a run.

    # Raises

    BridgeError
        If a file is missing or cannot be read.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        self.path = Path(path)
        self.files = _read_folder(self.path) if self.path.is_dir() else _read_tar(self.path)
        for name in (_CONFIG, _WEIGHTS):
            if name not in self.files:
                raise BridgeError(f"{self.path} is not an archive of AllenNLP: it has no {name}")
        if _INTERRUPTED in self.files:
            progress = self.files[_INTERRUPTED].decode("utf-8", errors="replace")
            warnings.warn(
                f"{self.path} was made when its training was interrupted ({progress}); "
                "`allennlp train` with --recover goes on with it"
            )
        try:
            config = json.loads(self.files[_CONFIG].decode("utf-8"))
        except ValueError as error:
            raise BridgeError(f"{self.path}: {_CONFIG} is not JSON: {error}") from error
        self.model: Dict[str, Any] = _inner(config.get("model"), "student")
        reader = config.get("validation_dataset_reader") or config.get("dataset_reader")
        self.reader: Dict[str, Any] = _inner(reader, "reader")
        self.weights: Dict[str, numpy.ndarray] = load_weights(self.files[_WEIGHTS], str(self.path))

    def vocabulary(self, namespace: str) -> List[str]:
        """The tokens of a padded namespace, in the order of their numbers from 1."""
        if self._is_label_namespace(namespace):
            raise UnsupportedError(
                f"{self.path}: the namespace {namespace!r} has no padding and no unknown word, so it "
                "cannot number the words of new text"
            )
        return self._lines(namespace)

    def labels(self, namespace: str) -> List[str]:
        """The labels of a namespace, in the order of their numbers from 0."""
        lines = self._lines(namespace)
        return lines if self._is_label_namespace(namespace) else [PADDING, *lines]

    def _is_label_namespace(self, namespace: str) -> bool:
        text = self.files.get(f"{_VOCABULARY}/non_padded_namespaces.txt", b"").decode("utf-8")
        return any(_matches(pattern.strip(), namespace) for pattern in text.split("\n") if pattern.strip())

    def _lines(self, namespace: str) -> List[str]:
        name = f"{_VOCABULARY}/{namespace}.txt"
        if name not in self.files:
            raise BridgeError(f"{self.path}: the vocabulary has no namespace {namespace!r}")
        lines = self.files[name].decode("utf-8").replace("\r\n", "\n").split("\n")
        if lines and lines[-1] == "":
            lines.pop()
        return [UNKNOWN if line == UNKNOWN else line.replace("@@NEWLINE@@", "\n") for line in lines]


def _matches(pattern: str, namespace: str) -> bool:
    """AllenNLP's `namespace_match`."""
    return namespace == pattern or (pattern[:1] == "*" and namespace.endswith(pattern[1:]))


def _inner(config: Any, key: str) -> Dict[str, Any]:
    """What a wrapping model or reader has inside, however deep."""
    while isinstance(config, dict) and isinstance(config.get(key), dict) and "type" in config[key]:
        config = config[key]
    if not isinstance(config, dict):
        raise BridgeError(f"the configuration has no {key}, found {config!r}")
    return config


def _read_folder(folder: Path) -> Dict[str, bytes]:
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and (name == _CONFIG or name.startswith(f"{_VOCABULARY}/")):
            files[name] = path.read_bytes()
    for name in ("best.th", _WEIGHTS):
        if (folder / name).is_file():
            files[_WEIGHTS] = (folder / name).read_bytes()
            break
    return files


def _read_tar(path: Path) -> Dict[str, bytes]:
    """The content of the files; nothing is written to disk, and links are not followed."""
    files: Dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes()), mode="r:*") as archive:
            for member in archive.getmembers():
                name = member.name[2:] if member.name.startswith("./") else member.name
                wanted = name in (_CONFIG, _WEIGHTS) or name.startswith(f"{_VOCABULARY}/")
                if member.isfile() and wanted:
                    files[name] = archive.extractfile(member).read()  # type: ignore[union-attr]
    except (OSError, tarfile.TarError) as error:
        raise BridgeError(f"{path} cannot be opened as an archive: {error}") from error
    return files
