"""A model in a comparison: its files, its settings and its decisions."""

import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch
from allennlp.nn.util import move_to_device

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.report.numbers.clock import Clock
from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence
from allennlp_kd.report.numbers.decoding import confidence, decide, decoded_rows
from allennlp_kd.report.numbers.packaged import packaged
from allennlp_kd.teachers.archive.archive_teacher import FILES, ArchiveTeacher

ARCHIVE = "model.tar.gz"


class Contender:
    """A teacher or a student, with its own reader, vocabulary and decoding.

    # Parameters

    name : `str`
    path : `str`
        An archive, a folder with an archive's files, or the folder of a finished run.
    cuda_device : `int`, optional (default = `-1`)
    transformer : `str`, optional
    trust : `bool`, optional (default = `False`)
        Both as of `ArchiveTeacher`.
    opened : `ArchiveTeacher`, optional
        The archive at the path with all of its options, instead of the two.

    # Raises

    ConfigurationError
        If there is nothing, or no finished run, at the path.
    """

    def __init__(
        self,
        name: str,
        path: str,
        cuda_device: int = -1,
        transformer: Optional[str] = None,
        trust: bool = False,
        opened: Optional[ArchiveTeacher] = None,
    ) -> None:
        self.name = name
        self.archive, self.run = _located(name, path)
        self._opened = opened or ArchiveTeacher(self.archive, cuda_device, transformer, trust)
        self._trust = trust
        self._clock = Clock()

    @property
    def structure(self) -> str:
        return self._opened.structure

    @property
    def labels(self) -> List[str]:
        return self._opened.labels

    @property
    def reader(self):
        return self._opened.reader

    @property
    def encoding(self) -> Optional[str]:
        """The span encoding in the configuration; `None` if the tags encode no spans."""
        return getattr(self._opened.model, "label_encoding", None)

    @property
    def parameters(self) -> int:
        return self._opened.parameters

    @property
    def size(self) -> int:
        """The bytes that the archive takes on disk."""
        return self._opened.size

    @property
    def words_per_second(self) -> float:
        """The speed over all decoded batches, without the first if there are more.

        From words to decisions: the reader's indexing, the network, the decoding.
        """
        return self._clock.words_per_second

    def packaged(self, sentences: Sequence[Sentence]) -> Dict[str, Any]:
        """The size and speed when packaged for spaCy; see `packaged`."""
        tagged = getattr(self._opened.model, "_pos_tag_embedding", None) is not None
        return packaged(self.archive, sentences, tagged, self._trust)

    def knows(self, sentence: Sentence) -> bool:
        """Whether it decides anything about a sentence: a network does about each."""
        return True

    def check(self, sentences: Sequence[Sentence]) -> None:
        """Refuses sentences that lack what the model's scores depend on."""
        self._opened.check(sentences)

    def decode(self, sentences: Sequence[Sentence]) -> List[DecodedSentence]:
        """Decodes one batch."""
        started = time.perf_counter()
        batch = Batch([self._opened.read(sentence) for sentence in sentences])
        inputs = batch.as_tensor_dict()
        if self._opened.device.type == "cuda":
            inputs = move_to_device(inputs, self._opened.device)
        with torch.no_grad():
            potentials = self._opened.potentials(inputs)
            decided = decide(self._opened.model, potentials)
            rows = {kind: part.tolist() for kind, part in decided.items()}
            self._clock.add(sentences, time.perf_counter() - started)
            sure = confidence(potentials, decided).tolist()
        return decoded_rows(rows, self.labels, sentences, sure)


def _located(name: str, path: str) -> Tuple[str, Optional[Path]]:
    """Returns the archive, and the folder of its training run if there is one."""
    found = Path(path)
    if not found.exists():
        raise ConfigurationError(f"the archive or training run of '{name}' does not exist: {path}")
    if found.is_file():
        return path, None
    if (found / ARCHIVE).is_file():
        return str(found / ARCHIVE), found
    if all((found / required).exists() for required in FILES):
        return path, None
    raise ConfigurationError(
        f"the folder {path} of '{name}' has no {ARCHIVE}: it is not a training run, or the "
        "training has not finished"
    )
