"""Selects the sentences of a batch that have a certain field."""

from typing import Any, NamedTuple, Optional

import torch
from torch import Tensor


class RowSelection(NamedTuple):
    """The rows and values of a field that some sentences of a batch lack.

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
        """Reads a collated field: an `OptionalField` or any other.

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
        # The rows are in the batch's order, so if all are present there is nothing to select.
        return cls(None if len(rows) == batch_size else rows, tensors)


def select_rows(value: Any, rows: Tensor) -> Any:
    """Selects the sentences `rows`, shape `(rows,)`, from tensors, lists, and dictionaries of
    these.
    """
    if isinstance(value, Tensor):
        return value[rows.to(value.device)]
    if isinstance(value, dict):
        return {key: select_rows(part, rows) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [value[row] for row in rows.tolist()]
    raise TypeError(f"cannot select sentences from a {type(value).__name__}")


def fit_columns(tensor: Tensor, length: int) -> Tensor:
    """Pads `tensor`, shape `(batch, words)`, with zeros to `(batch, length)`."""
    return torch.nn.functional.pad(tensor, (0, length - tensor.shape[1]))
