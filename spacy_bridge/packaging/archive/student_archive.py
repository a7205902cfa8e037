"""Reads a student's archive without AllenNLP, and without running anything in it."""

import warnings
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

import numpy

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.archive_parts import archive_parts
from allennlp_kd.archives.carried_files import carried_configurations, check_carried
from allennlp_kd.archives.external_references import Remedies
from allennlp_kd.archives.given_files import GivenFiles
from allennlp_kd.archives.members import CONFIG, VOCABULARY, WEIGHTS, members
from allennlp_kd.archives.model_size import check_sizes
from spacy_bridge.errors import BridgeError, UnsupportedError
from spacy_bridge.packaging.archive.safe_weights import load_weights
from spacy_bridge.runtime.words.vocabulary import PADDING, UNKNOWN

REMEDIES = Remedies("--transformer", "--trust")
_INTERRUPTED = f"{VOCABULARY}/.interrupted"  # see allennlp_kd/training/interruption.py


class StudentArchive:
    """The student in an archive of `allennlp train`, alone or inside `distillation`.

    It warns about an archive of an interrupted training.

    The configuration is read as JSON, which an archive's is; nothing in it is evaluated or imported.

    # Parameters

    path : `Union[str, Path]`
        A `model.tar.gz`, or the folder of a run.
    transformer : `str`, optional
        The folder (or the name on the Hugging Face Hub) of the transformer to use instead of the one that the archive
        names; one that carries its own needs none.
    trust : `bool`, optional (default = `False`)
        Whether the archive may name anything outside it.

    # Raises

    BridgeError
        If a file is missing, cannot be read or is unsafe; without `trust`, if the configuration
        names anything outside the archive.
    """

    def __init__(
        self, path: Union[str, Path], transformer: Optional[str] = None, trust: bool = False
    ) -> None:
        self.path = Path(path)
        try:
            self.files = _read(self.path, links=trust)
            for name in (CONFIG, WEIGHTS):
                if name not in self.files:
                    raise BridgeError(f"{self.path} is not an AllenNLP archive: it has no {name}")
            parts = archive_parts(
                self.files[CONFIG],
                self.files,
                str(self.path),
                REMEDIES,
                GivenFiles(transformer),
                trust,
            )
            for name, content in self.files.items() if not trust else ():
                check_carried(name, content, str(self.path))
        except ArchiveError as error:
            raise BridgeError(str(error)) from error
        if _INTERRUPTED in self.files:
            progress = self.files[_INTERRUPTED].decode("utf-8", errors="replace")
            warnings.warn(
                f"{self.path} was made when its training was interrupted ({progress}); continue "
                "the training with `allennlp train` and --recover",
                stacklevel=2,
            )
        self.model: Dict[str, Any] = parts["model"]
        self.reader: Dict[str, Any] = parts["validation_dataset_reader"]
        self.weights: Dict[str, numpy.ndarray] = load_weights(self.files[WEIGHTS], str(self.path))
        self.numbers = sum(weight.size for weight in self.weights.values())
        try:
            if not trust:
                carried = carried_configurations(self.files, str(self.path))
                check_sizes({**parts, **carried}, self.numbers, str(self.path))
        except ArchiveError as error:
            raise BridgeError(str(error)) from error

    def vocabulary(self, namespace: str) -> List[str]:
        """Returns the tokens of a padded namespace in index order, from 1."""
        if self._is_label_namespace(namespace):
            raise UnsupportedError(
                f"{self.path}: the namespace {namespace!r} has no padding and no unknown token, so "
                "the words of new text cannot be indexed"
            )
        return self._lines(namespace)

    def labels(self, namespace: str) -> List[str]:
        """Returns the labels of a namespace in index order, from 0."""
        lines = self._lines(namespace)
        return lines if self._is_label_namespace(namespace) else [PADDING, *lines]

    def _is_label_namespace(self, namespace: str) -> bool:
        text = self.files.get(f"{VOCABULARY}/non_padded_namespaces.txt", b"").decode("utf-8")
        return any(
            _matches(pattern.strip(), namespace) for pattern in text.split("\n") if pattern.strip()
        )

    def _lines(self, namespace: str) -> List[str]:
        name = f"{VOCABULARY}/{namespace}.txt"
        if name not in self.files:
            raise BridgeError(f"{self.path}: the vocabulary has no namespace {namespace!r}")
        lines = self.files[name].decode("utf-8").replace("\r\n", "\n").split("\n")
        if lines and lines[-1] == "":
            lines.pop()
        return [UNKNOWN if line == UNKNOWN else line.replace("@@NEWLINE@@", "\n") for line in lines]


def _matches(pattern: str, namespace: str) -> bool:
    """Like AllenNLP's `namespace_match`."""
    return namespace == pattern or (pattern[:1] == "*" and namespace.endswith(pattern[1:]))


def _read(path: Path, links: bool) -> Dict[str, bytes]:
    """Reads the needed files into memory; nothing is written to disk."""
    files: Dict[str, bytes] = {}
    if not path.exists():
        raise BridgeError(f"{path} cannot be opened as an archive: it does not exist")
    for member in members(path, links=links):
        if member.name in (CONFIG, WEIGHTS) or member.name.startswith(f"{VOCABULARY}/"):
            files[member.name] = member.file.read()
    return files
