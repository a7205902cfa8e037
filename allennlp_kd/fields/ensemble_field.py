"""A field with the inputs of several teachers for one sentence."""

from typing import Any, Dict, List

from allennlp.data import Vocabulary
from allennlp.data.fields.field import Field
from overrides import overrides

from allennlp_kd.fields.optional_field import OptionalField


class EnsembleField(Field[Any]):
    """Holds one field for each member of an ensemble.

    A batch is a dictionary with what each member's field collates to, by the member's number.

    # Parameters

    members : `List[Field]`
    """

    __slots__ = ["members"]

    def __init__(self, members: List[Field]) -> None:
        self.members = members

    @overrides
    def index(self, vocab: Vocabulary) -> None:
        pass

    @overrides
    def human_readable_repr(self) -> Any:
        return [member.human_readable_repr() for member in self.members]

    @overrides
    def get_padding_lengths(self) -> Dict[str, int]:
        return {}

    @overrides
    def as_tensor(self, padding_lengths: Dict[str, int]) -> List[Field]:
        return self.members

    @overrides
    def empty_field(self) -> "EnsembleField":
        return EnsembleField([member.empty_field() for member in self.members])

    @overrides
    def batch_tensors(self, tensor_list: List[List[Field]]) -> Any:  # type: ignore[override]
        batch = {}
        for number, fields in enumerate(zip(*tensor_list)):
            # Each member's fields are padded to the longest of that member.
            present = [OptionalField(field) for field in fields]
            batch[str(number)] = present[0].batch_tensors(present)["value"]
        return batch

    def __len__(self) -> int:
        return len(self.members[0])  # type: ignore[arg-type]
