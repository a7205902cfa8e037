"""A field for teachers that take only words."""

from typing import Any, Dict, List

import torch
from allennlp.data import Vocabulary
from allennlp.data.fields.field import Field
from overrides import overrides

from allennlp_kd.fields.sentence import Sentence


class SentenceField(Field[Any]):
    """Carries a sentence's words to a teacher that indexes them itself.

    A batch collates to a dictionary: `sentences`, the list of sentences; `teacher`, the names of the
    teachers that they are for; and `words`, a long tensor of shape `(rows,)` with their lengths,
    which says on which device scores are wanted.

    # Parameters

    sentence : `Sentence`
    teacher : `str`
        The name of the teacher.
    """

    __slots__ = ["sentence", "teacher"]

    def __init__(self, sentence: Sentence, teacher: str) -> None:
        self.sentence = sentence
        self.teacher = teacher

    @overrides
    def index(self, vocab: Vocabulary) -> None:
        pass

    @overrides
    def human_readable_repr(self) -> Any:
        return str(self.sentence)

    @overrides
    def get_padding_lengths(self) -> Dict[str, int]:
        return {}

    @overrides
    def as_tensor(self, padding_lengths: Dict[str, int]) -> "SentenceField":
        return self

    @overrides
    def empty_field(self) -> "SentenceField":
        return SentenceField(Sentence(()), self.teacher)

    @overrides
    def batch_tensors(self, tensor_list: List["SentenceField"]) -> Any:  # type: ignore[override]
        return {
            "sentences": [each.sentence for each in tensor_list],
            "teacher": [each.teacher for each in tensor_list],
            "words": torch.tensor([len(each.sentence.words) for each in tensor_list]),
        }

    def __len__(self) -> int:
        return len(self.sentence.words)
