"""Checks that two sets of potentials can be compared."""

from functools import wraps
from typing import Any, Callable, TypeVar, cast

import torch

from allennlp_kd.structs.numerics.execution import exact

Function = TypeVar("Function", bound=Callable[..., Any])


def check_alike(first: Any, second: Any) -> None:
    """
    # Parameters

    first, second : `ChainPotentials` or `TreePotentials`
        Both of the same class.

    # Raises

    ValueError
        If the two are of other classes, sentences or numbers of tags or labels. (Trees without labels
        may be compared with labeled ones.)
    """
    if type(first) is not type(second):
        raise ValueError(
            "student and teacher must both be chains or both be trees, found "
            f"{type(first).__name__} and {type(second).__name__}"
        )
    if first.mask is not second.mask and not torch.equal(first.mask, second.mask):
        raise ValueError(
            "student and teacher must have the same mask, found sentences of "
            f"{first.lengths.tolist()} and {second.lengths.tolist()} words, padded to "
            f"{first.mask.shape[1]} and {second.mask.shape[1]}"
        )
    if hasattr(first, "num_tags"):
        found, kind = (first.num_tags, second.num_tags), "tags"
    else:
        found, kind = (first.num_labels, second.num_labels), "labels"
        if 0 in found:
            return
    if found[0] != found[1]:
        raise ValueError(
            f"student and teacher must have the same {kind}, found {found[0]} and {found[1]} of "
            "them"
        )


def compares(function: Function) -> Function:
    """Decorates a function of two sets of potentials with `check_alike` and `exact`."""
    of_alike = exact(function)

    @wraps(function)
    def run(first: Any, second: Any, *args: Any, **kwargs: Any) -> Any:
        check_alike(first, second)
        return of_alike(first, second, *args, **kwargs)

    return cast(Function, run)
