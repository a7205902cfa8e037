"""The base class of teachers that take only words, whatever library they come from."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Instance
from overrides import overrides
from torch import Tensor

from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.fields.sentence_field import SentenceField
from allennlp_kd.teachers.scoring_teacher import ScoringTeacher
from allennlp_kd.teachers.tensor_json import packed


class SentenceTeacher(ScoringTeacher):
    """A teacher whose only input is the words of sentences.

    A subclass says how it scores them (`score_on`), what all scores have in common (`shared`), its
    structure, its labels and its fingerprint.

    # Parameters

    cuda_device : `int`, optional
        Where to score for a store, `-1` for the CPU. By default the current GPU, where there is
        one.
    """

    def __init__(self, cuda_device: Optional[int] = None) -> None:
        self._cuda_device = cuda_device

    @property
    def device(self) -> torch.device:
        """The device for scoring if no other is requested."""
        if self._cuda_device is not None:
            return torch.device("cpu" if self._cuda_device < 0 else self._cuda_device)
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def score_on(self, sentences: List[Sentence], device: torch.device) -> Any:
        """
        # Returns

        `ChainPotentials` or `TreePotentials`
            One row a sentence, on this device.
        """
        raise NotImplementedError

    def shared(self, device: torch.device) -> Dict[str, Tensor]:
        """The scores that all sentences share, by their names in a store."""
        raise NotImplementedError

    @overrides
    def description(self) -> Dict[str, Any]:
        shared = self.shared(torch.device("cpu"))
        return {
            "structure": self.structure,
            "labels": self.labels,
            "shared": {name: packed(tensor) for name, tensor in shared.items()},
            "takes_tags": False,
        }

    @overrides
    def attach(self, instances: List[Instance]) -> None:
        for instance in instances:
            field = SentenceField(Sentence.of(instance), self.name)
            instance.add_field(self.FIELD, OptionalField(field))

    @overrides
    def potentials(self, inputs: Any):
        """See `Teacher`.

        # Raises

        ConfigurationError
            If another teacher has read the sentences.
        """
        found = set(inputs["teacher"]) if "sentences" in inputs else {"a teacher of another type"}
        if found != {self.name}:
            raise ConfigurationError(
                f"{self.name} cannot score sentences that were read for "
                f"{', '.join(sorted(found))}: dataset_reader.teacher and model.teacher must be the "
                "same"
            )
        return self._scored(inputs["sentences"], inputs["words"].device)

    @overrides
    def score(self, sentences: List[Sentence]):
        return self._scored(sentences, self.device)

    def _scored(self, sentences: List[Sentence], device: torch.device) -> Any:
        with torch.no_grad():
            return self.score_on(sentences, device)


def digest_of(settings: Any, paths: Iterable[Any]) -> str:
    """Returns a digest of settings (JSON values) and of the names, sizes and contents of files."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
    for path in map(Path, paths):
        digest.update(f" {path.name} {path.stat().st_size} ".encode())
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()
