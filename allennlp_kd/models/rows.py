"""Batches of which some sentences lack a field."""
from typing import Any, NamedTuple, Optional

import torch
from torch import Tensor


class Rows(NamedTuple):
    """What a batch holds of a field that a sentence may lack.

    # Parameters

    index : `Tensor`, optional
        Shape `(rows,)`, the sentences that have the field; `None` if all have.
    value : `Any`
        The field's tensors for these sentences; `None` if no sentence has it.
    """

    index: Optional[Tensor]
    value: Any

    @classmethod
    def of(cls, value: Any, batch_size: int) -> "Rows":
        """Reads a collated field: an `OptionalField`'s, or any other."""
        if value is None:
            return cls(torch.zeros(0, dtype=torch.long), None)
        if not (isinstance(value, dict) and value.keys() == {"rows", "value"}):
            return cls(None, value)
        # Rows come in the order of the batch, so all of them means that nothing is to be selected.
        index = None if len(value["rows"]) == batch_size else value["rows"]
        return cls(index, value["value"])


def select_rows(value: Any, rows: Tensor) -> Any:
    """The sentences `rows`, shape `(rows,)`, of tensors, lists and dictionaries of these."""
    if isinstance(value, Tensor):
        return value[rows.to(value.device)]
    if isinstance(value, dict):
        return {key: select_rows(part, rows) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [value[row] for row in rows.tolist()]
    raise TypeError(f"cannot select sentences from a {type(value).__name__}")


def fit_columns(tensor: Tensor, length: int) -> Tensor:
    """`tensor`, shape `(batch, words)`, filled up with zeros to `(batch, length)`."""
    return torch.nn.functional.pad(tensor, (0, length - tensor.shape[1]))
