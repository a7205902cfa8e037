"""A model in a comparison: its files, its settings and its decisions."""

import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch
from allennlp.nn.util import move_to_device

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence
from allennlp_kd.report.numbers.decoding import confidence, decide
from allennlp_kd.report.numbers.packaged import packaged
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher

ARCHIVE = "model.tar.gz"
REQUIRED = ("config.json", "weights.th", "vocabulary")  # in a folder that is an archive
WARM_UP = 1  # batches to decode before timing starts


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
    ) -> None:
        self.name = name
        self.archive, self.run = _located(name, path)
        self._opened = ArchiveTeacher(self.archive, cuda_device, transformer, trust)
        self._trust = trust
        self._clock: List[Tuple[int, float]] = []

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
        return sum(parameter.numel() for parameter in self._opened.model.parameters())

    @property
    def size(self) -> int:
        """The size of the archive on disk, in bytes."""
        path = Path(self.archive)
        if path.is_file():
            return path.stat().st_size
        files = [each for name in REQUIRED for each in (path / name, *(path / name).rglob("*"))]
        return sum(each.stat().st_size for each in files if each.is_file())

    @property
    def words_per_second(self) -> float:
        """The speed over all decoded batches, without the first if there are more.

        From words to decisions: the reader's indexing, the network, the decoding.
        """
        counted = self._clock[WARM_UP:] or self._clock
        return sum(words for words, _ in counted) / sum(seconds for _, seconds in counted)

    def packaged(self, sentences: Sequence[Sentence]) -> Dict[str, Any]:
        """The size and speed when packaged for spaCy; see `packaged`."""
        tagged = getattr(self._opened.model, "_pos_tag_embedding", None) is not None
        return packaged(self.archive, sentences, tagged, self._trust)

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
            words = sum(len(sentence.words) for sentence in sentences)
            self._clock.append((words, time.perf_counter() - started))
            sure = confidence(potentials, decided).tolist()
        names, found = self.labels, []
        for row, sentence in enumerate(sentences):
            length = len(sentence.words)
            heads = tuple(rows["heads"][row][:length]) if "heads" in rows else None
            labels = tuple(names[index] for index in rows["labels"][row][:length])
            found.append(DecodedSentence(labels, heads, tuple(sure[row][:length])))
        return found


def _located(name: str, path: str) -> Tuple[str, Optional[Path]]:
    """Returns the archive, and the folder of its training run if there is one."""
    found = Path(path)
    if not found.exists():
        raise ConfigurationError(f"the archive or training run of '{name}' does not exist: {path}")
    if found.is_file():
        return path, None
    if (found / ARCHIVE).is_file():
        return str(found / ARCHIVE), found
    if all((found / required).exists() for required in REQUIRED):
        return path, None
    raise ConfigurationError(
        f"the folder {path} of '{name}' has no {ARCHIVE}: it is not a training run, or the "
        "training has not finished"
    )
