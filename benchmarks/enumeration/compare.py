"""Compares a computed value with an enumerated one."""

from dataclasses import dataclass, field
from typing import Callable, Dict, List

import torch
from torch import Tensor

EXAMPLES = 15


@dataclass
class Tally:
    """How many values were compared, and which were wrong."""

    batches: int = 0
    compared: Dict[str, int] = field(default_factory=dict)
    wrong: Dict[str, int] = field(default_factory=dict)
    examples: List[str] = field(default_factory=list)
    worst: Dict[str, float] = field(default_factory=dict)
    """By name: the largest error as a share of the tolerance."""

    def add(self, other: "Tally") -> None:
        """Adds what another process has counted."""
        self.batches += other.batches
        for mine, theirs in ((self.compared, other.compared), (self.wrong, other.wrong)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        for name, share in other.worst.items():
            self.worst[name] = max(self.worst.get(name, 0.0), share)
        self.examples = [*self.examples, *other.examples][:EXAMPLES]

    def check(
        self, name: str, found: Tensor, expected: Tensor, size: float, epsilon: float, where: str
    ) -> None:
        """Counts one comparison.

        # Parameters

        found, expected : `Tensor`
            Of one shape. Infinities must be the same.
        size : `float`
            How large the numbers are that the value is made of.
        epsilon : `float`
            The rounding of the type that it was computed in.
        where : `str`
            What to print of a wrong one: seed and batch.
        """
        self.compared[name] = self.compared.get(name, 0) + 1
        found, expected = found.detach().double(), expected.detach().double()
        same = (found == expected) | (found.isnan() & expected.isnan())
        tolerance = 500 * epsilon * (1 + size + expected.abs())
        errors = ((found - expected).abs() / tolerance).masked_fill(same, 0)
        if errors.numel() == 0:
            return
        worst = float(errors.nan_to_num(nan=float("inf")).max())
        self.worst[name] = max(self.worst.get(name, 0.0), min(worst, 1e9))
        if worst > 1:
            self.wrong[name] = self.wrong.get(name, 0) + 1
            if len(self.examples) < EXAMPLES:
                place = int(errors.nan_to_num(nan=float("inf")).argmax())
                self.examples.append(
                    f"{name}, {where}: {float(found.flatten()[place]):.12g} instead of "
                    f"{float(expected.flatten()[place]):.12g}"
                )

    def check_refused(self, name: str, function: Callable[[], Tensor], where: str) -> None:
        """Counts one case in which a `ValueError` is what is right."""
        self.compared[name] = self.compared.get(name, 0) + 1
        try:
            found = function()
        except ValueError:
            return
        self.wrong[name] = self.wrong.get(name, 0) + 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{name}, {where}: {found.tolist()} instead of an error")


class Least:
    """The log of the least probability that makes a loss infinite where the student forbids it."""

    value = float("-inf")


def kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL divergence of two lists of log probabilities, inf where q forbids what p does not."""
    return _mean(log_p, log_p - log_q, log_q)


def cross_entropy(log_p: Tensor, log_q: Tensor) -> Tensor:
    """The mean of -log q under p, inf where q forbids what p does not."""
    return _mean(log_p, -log_q, log_q)


def _mean(log_p: Tensor, values: Tensor, log_q: Tensor) -> Tensor:
    forbidden = torch.isneginf(log_q)
    if bool((forbidden & (log_p > Least.value)).any()):
        return log_p.new_tensor(float("inf"))
    counted = (log_p.exp() > 0) & ~forbidden
    return (log_p.exp()[counted] * values[counted]).sum()


def variance(values: Tensor, weights: Tensor) -> Tensor:
    """Under weights that sum to 1; what has none is left out."""
    values, weights = values[weights > 0], weights[weights > 0]
    if bool(torch.isinf(values).any()):
        return values.new_tensor(float("inf"))
    mean = (weights * values).sum()
    return (weights * (values - mean).square()).sum()


def gradients(value: Tensor, leaves: List[Tensor]) -> List[Tensor]:
    """Of the sum, 0 where it does not depend on a leaf."""
    if not value.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(value.sum(), leaves, allow_unused=True)
    return [torch.zeros_like(leaf) if f is None else f for f, leaf in zip(found, leaves)]
