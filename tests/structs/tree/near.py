"""Comparison of tensors and numbers within tolerances, whatever their floating-point type."""

import torch


def assert_near(actual, expected, rtol: float = 1e-7, atol: float = 1e-9) -> None:
    torch.testing.assert_close(
        torch.as_tensor(actual).double(), torch.as_tensor(expected).double(), rtol=rtol, atol=atol
    )
