"""The base class of teachers that score words, whatever library they come from."""

from typing import Any, List, Optional

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Instance
from overrides import overrides

from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.fields.sentence_field import SentenceField
from allennlp_kd.teachers.scoring_teacher import ScoringTeacher


class SentenceTeacher(ScoringTeacher):
    """A teacher that is given the words of sentences and nothing else.

    A subclass says how it scores them (`score_on`), its structure, its labels, its fingerprint and
    its description.

    # Parameters

    cuda_device : `int`, optional
        Where to score for a store, `-1` for the CPU. By default the current GPU, where there is
        one.
    """

    def __init__(self, cuda_device: Optional[int] = None) -> None:
        self._cuda_device = cuda_device

    @property
    def device(self) -> torch.device:
        """Where it scores what it is not given a device for."""
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
                f"{self.name} is to score sentences that were read for {', '.join(sorted(found))}: "
                "dataset_reader.teacher and model.teacher must be the same"
            )
        return self._scored(inputs["sentences"], inputs["words"].device)

    @overrides
    def score(self, sentences: List[Sentence]):
        return self._scored(sentences, self.device)

    def _scored(self, sentences: List[Sentence], device: torch.device) -> Any:
        with torch.no_grad():
            return self.score_on(sentences, device)
