"""A field that some sentences of a batch may lack."""

from typing import Any, Dict, List, Optional

import torch
from allennlp.data import Vocabulary
from allennlp.data.fields.field import Field
from overrides import overrides


class OptionalBatch(Dict[str, Any]):
    """The collated values of the sentences that have the field.

    A model that takes it for a tensor is told which of model and reader is the wrong one.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            "the batch comes from a dataset reader of type 'distillation', but the model takes "
            f"plain batches (it looks for '{name}' of a tensor): use a model of type "
            "'distillation' with this one as its 'student', or use the reader that it wraps"
        )


class OptionalField(Field[Any]):
    """Holds a field or its absence, so that a batch may mix sentences with and without it.

    A batch of them collates to `None` where no sentence has the field, and else to an `OptionalBatch`, a dictionary:
    `rows`, a long tensor of shape `(present,)` with the places in the batch of the sentences that
    have it; `value`, their collated tensors; and, where some are withheld, `withheld`, boolean of
    shape `(present,)`.

    # Parameters

    field : `Field`, optional
        The field, or `None`.
    withheld : `bool`, optional (default = `False`)
        Whether training is to do as if the field were absent. Evaluation, and the vocabulary, do
        not.
    """

    __slots__ = ["field", "withheld"]

    def __init__(self, field: Optional[Field], withheld: bool = False) -> None:
        self.field = field
        self.withheld = withheld

    @overrides
    def count_vocab_items(self, counter: Dict[str, Dict[str, int]]) -> None:
        if self.field is not None:
            self.field.count_vocab_items(counter)

    @overrides
    def human_readable_repr(self) -> Any:
        return None if self.field is None else self.field.human_readable_repr()

    @overrides
    def index(self, vocab: Vocabulary) -> None:
        if self.field is not None:
            self.field.index(vocab)

    @overrides
    def get_padding_lengths(self) -> Dict[str, int]:
        # A batch gets the names of its padding lengths from its first sentence, which may lack the
        # field. So the field is padded when the batch is made.
        return {}

    @overrides
    def as_tensor(self, padding_lengths: Dict[str, int]) -> "OptionalField":
        return self

    @overrides
    def empty_field(self) -> "OptionalField":
        return OptionalField(None)

    @overrides
    def batch_tensors(self, tensor_list: List["OptionalField"]) -> Any:  # type: ignore[override]
        rows = [row for row, each in enumerate(tensor_list) if each.field is not None]
        if not rows:
            return None
        fields = [tensor_list[row].field for row in rows]
        found = [field.get_padding_lengths() for field in fields]
        lengths = {name: max(each[name] for each in found) for name in found[0]}
        tensors = [field.as_tensor(lengths) for field in fields]
        batched = OptionalBatch(
            rows=torch.tensor(rows, dtype=torch.long), value=fields[0].batch_tensors(tensors)
        )
        withheld = torch.tensor([tensor_list[row].withheld for row in rows])
        if bool(withheld.any()):
            batched["withheld"] = withheld
        return batched

    def __len__(self) -> int:
        return len(self.field) if hasattr(self.field, "__len__") else 0  # type: ignore[arg-type]
