"""A field with a live teacher's own instance of a sentence."""

from typing import Any, Dict, List

from allennlp.data import Batch, Instance, Vocabulary
from allennlp.data.fields.field import Field
from overrides import overrides


class TeacherInstanceField(Field[Any]):
    """Carries a teacher's instance along with the student's fields.

    The instance is indexed already, with the teacher's vocabulary: nothing of it is counted into
    the student's vocabulary or indexed with it.

    # Parameters

    instance : `Instance`
        Indexed by the teacher's vocabulary.
    words : `int`
        The number of words.
    """

    __slots__ = ["instance", "words"]

    def __init__(self, instance: Instance, words: int) -> None:
        self.instance = instance
        self.words = words

    @overrides
    def index(self, vocab: Vocabulary) -> None:
        pass

    @overrides
    def human_readable_repr(self) -> Any:
        return self.instance.human_readable_dict()

    @overrides
    def get_padding_lengths(self) -> Dict[str, int]:
        return {}

    @overrides
    def as_tensor(self, padding_lengths: Dict[str, int]) -> Instance:
        return self.instance

    @overrides
    def empty_field(self) -> "TeacherInstanceField":
        return TeacherInstanceField(Instance({}), 0)

    @overrides
    def batch_tensors(self, tensor_list: List[Instance]) -> Any:  # type: ignore[override]
        return Batch(tensor_list).as_tensor_dict()

    def __len__(self) -> int:
        return self.words
