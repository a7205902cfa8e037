"""Batches of which some sentences lack a field."""

from typing import Any, NamedTuple, Optional

import torch
from torch import Tensor


class RowSelection(NamedTuple):
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
    def of(cls, value: Any, batch_size: int, withheld: bool = True) -> "RowSelection":
        """Reads a collated field: an `OptionalField`'s, or any other.

        `withheld` says whether the sentences count of which it is withheld.
        """
        nothing = cls(torch.zeros(0, dtype=torch.long), None)
        if value is None:
            return nothing
        of_some = isinstance(value, dict) and value.keys() - {"withheld"} == {"rows", "value"}
        if not of_some:
            return cls(None, value)
        rows, tensors = value["rows"], value["value"]
        if not withheld and "withheld" in value:
            given = (~value["withheld"]).nonzero().squeeze(1)
            if not len(given):
                return nothing
            rows, tensors = rows[given], select_rows(tensors, given)
        # RowSelection come in the order of the batch, so all of them means that nothing is to be selected.
        return cls(None if len(rows) == batch_size else rows, tensors)


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
