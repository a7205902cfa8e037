"""Refuses second derivatives of losses whose gradient is in closed form."""

import torch


def refuse_second_derivative(what: str) -> None:
    """Raises an error for second derivatives; call it in the backward pass.

    # Raises

    RuntimeError
        If the gradient is to be differentiated again (`create_graph`), which it cannot be.
    """
    if torch.is_grad_enabled():
        raise RuntimeError(f"{what} have only a first derivative, found create_graph=True")
