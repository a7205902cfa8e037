"""Cached tensors whose autograd graph can be differentiated more than once."""

from typing import Any, Callable, Generic, Optional, Tuple, TypeVar, Union, overload

import torch
from torch import Tensor

from allennlp_kd.structs.numerics.execution import exact

Value = TypeVar("Value")


class cached_graph_property(Generic[Value]):
    """A cached property that can be differentiated more than once.

    As `functools.cached_property`, but a value that was made without history (under
    `torch.no_grad`) is computed again where gradients are needed. The owner has `requires_grad`. The
    function must be made of operations that keep no tensors for their gradient, or keep them as
    `Masked` does.
    """

    def __init__(self, function: Callable[[Any], Value]) -> None:
        self._function = exact(function)
        self._key = f"_cached_{function.__name__}"
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, owner: None, kind: Any = None) -> "cached_graph_property[Value]": ...

    @overload
    def __get__(self, owner: Any, kind: Any = None) -> Value: ...

    def __get__(self, owner: Any, kind: Any = None) -> Union["cached_graph_property[Value]", Value]:
        if owner is None:
            return self
        found: Optional[Tuple[Value, bool]] = owner.__dict__.get(self._key)
        if found is not None:
            value, has_history = found
            if has_history or not torch.is_grad_enabled() or not owner.requires_grad:
                return value
        value = self._function(owner)
        owner.__dict__[self._key] = (value, torch.is_grad_enabled())
        return value


class Masked(torch.autograd.Function):
    """`values` with `fill` where `keep` is false.

    What the gradient needs is kept as an attribute, which a backward pass does not free: the losses
    that share the result can be differentiated one after the other.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, keep: Tensor, fill: float) -> Tensor:
        """
        # Parameters

        values : `Tensor`
        keep : `Tensor`
            Boolean, of a shape that broadcasts to that of `values`.
        fill : `float`
        """
        ctx.dropped = ~keep
        return values.masked_fill(ctx.dropped, fill)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, None, None]:
        return gradient.masked_fill(ctx.dropped, 0), None, None


class _InOrder(torch.autograd.Function):
    """`values.index_select(0, order)`; like `Masked`, it can be differentiated more than once."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, order: Tensor) -> Tensor:
        ctx.order = order
        return values.index_select(0, order)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, None]:
        return gradient.index_select(0, torch.argsort(ctx.order)), None


def in_order(values: Tensor, order: Tensor) -> Tensor:
    """Reorders the rows of `values` by a permutation."""
    found: Tensor = _InOrder.apply(values, order)
    return found


class Projected(torch.autograd.Function):
    """`values @ weight.t()`; like `Masked`, it can be differentiated more than once."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor) -> Tensor:
        """
        # Parameters

        values : `Tensor`
            Shape `(batch, length, from)`.
        weight : `Tensor`
            Shape `(to, from)`, of the same type.

        # Returns

        `Tensor`
            Shape `(batch, length, to)`.
        """
        ctx.values, ctx.weight = values, weight
        return torch.nn.functional.linear(values, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Optional[Tensor], Optional[Tensor]]:
        of_values = of_weight = None
        if ctx.needs_input_grad[0]:
            of_values = gradient @ ctx.weight
        if ctx.needs_input_grad[1]:
            of_weight = gradient.flatten(0, 1).t() @ ctx.values.flatten(0, 1)
        return of_values, of_weight
