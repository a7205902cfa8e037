"""What every objective costs on trees, forward and backward."""

import time
from copy import copy
from typing import Any, Callable, Dict

import torch
from allennlp.common import Params
from torch import Tensor

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.tree import FactoredLabels, TreePotentials
from benchmarks.command import Options
from benchmarks.report import Report
from benchmarks.rounds import alternate
from benchmarks.setups.treebank import BATCH_SIZE

LABELS = (10, 25, 50)
LENGTHS = (10, 25, 60)
LABEL_DIM = 100
MATCHES: Dict[str, Dict[str, Any]] = {
    "predictions": {},
    "predictions, arcs": {"parts": "arcs"},
    "predictions, labels": {"parts": "labels"},
    "scores, raw": {"match": "scores", "form": "raw"},
    "scores, centred": {"match": "scores"},
    "scores, centred, arcs": {"match": "scores", "parts": "arcs"},
    "scores, centred, labels": {"match": "scores", "parts": "labels"},
    "scores, centred, 5 best heads": {"match": "scores", "heads": "best", "best": 5},
    "scores, centred, probable heads": {"match": "scores", "heads": "probable"},
    "scores, centred, Huber": {"match": "scores", "huber": 1.0},
    "scores, weighted": {"match": "scores", "form": "weighted"},
    "both": {"match": "both", "scale": 0.1},
}
OBJECTIVES: Dict[str, Dict[str, Any]] = {
    "marginal": {"type": "marginal"},
    "top_k, 1": {"type": "top_k", "k": 1},
    "top_k, 3": {"type": "top_k", "k": 3},
    "structural": {"type": "structural"},
    **{name: {"type": "substructured", **options} for name, options in MATCHES.items()},
}


class Trees:
    """A batch of random arc scores and label factors, with a gold head and label for each word."""

    def __init__(self, length: int, num_labels: int, generator: torch.Generator) -> None:
        def random(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator).requires_grad_()

        self.arcs = random(BATCH_SIZE, length, length + 1)
        self.factors = {
            "head": random(BATCH_SIZE, length + 1, LABEL_DIM),
            "dependent": random(BATCH_SIZE, length, LABEL_DIM),
            "weight": random(num_labels, LABEL_DIM, LABEL_DIM),
            "bias": random(num_labels),
        }
        self.mask = torch.ones(BATCH_SIZE, length, dtype=torch.bool)
        # The word before, or ROOT.
        self.heads = torch.arange(length).expand(BATCH_SIZE, -1)
        self.labels = torch.randint(num_labels, self.mask.shape, generator=generator)

    def potentials(self) -> TreePotentials:
        scaled = {**self.factors, "weight": self.factors["weight"] / LABEL_DIM}
        return TreePotentials(self.arcs, self.mask, FactoredLabels(**scaled))

    def to(self, device: torch.device) -> "Trees":
        """A copy on a device, whose gradients are its own."""

        def moved(tensor: Tensor) -> Tensor:
            return tensor.detach().to(device, copy=True).requires_grad_(tensor.requires_grad)

        found = copy(self)
        found.arcs = moved(self.arcs)
        found.factors = {name: moved(factor) for name, factor in self.factors.items()}
        found.mask, found.heads = self.mask.to(device), self.heads.to(device)
        found.labels = self.labels.to(device)
        return found

    def zero_grad(self) -> None:
        for tensor in (self.arcs, *self.factors.values()):
            tensor.grad = None


def local_loss(trees: Trees) -> Tensor:
    """Of gold heads and labels, as a biaffine parser is trained."""
    potentials = trees.potentials()
    arcs = potentials.arc_scores.flatten(0, 1)
    labels = potentials.label_scores_of(trees.heads).flatten(0, 1)
    cross_entropy = torch.nn.functional.cross_entropy
    return cross_entropy(arcs, trees.heads.flatten(), reduction="sum") + cross_entropy(
        labels, trees.labels.flatten(), reduction="sum"
    )


def functions(num_labels: int, length: int, seed: int) -> Dict[str, Callable[[], None]]:
    """What is timed: the local loss and each objective, on one batch."""
    generator = torch.Generator().manual_seed(seed)
    student, taught = (Trees(length, num_labels, generator) for _ in range(2))
    teacher = taught.potentials().detach()

    def with_backward(loss: Callable[[Trees], Tensor]) -> Callable[[], None]:
        def step() -> None:
            student.zero_grad()
            loss(student).backward()

        return step

    found = {"local loss": with_backward(local_loss)}
    for name, config in OBJECTIVES.items():
        objective = Objective.from_params(Params(dict(config)))

        def loss(trees: Trees, objective: Objective = objective) -> Tensor:
            return objective(trees.potentials(), teacher).sum()

        found[name] = with_backward(loss)
    return found


def measure(report: Report, options: Options) -> None:
    """Adds the seconds of one batch; their ratios to the local loss are notes."""
    torch.set_num_threads(options.threads[0])
    for num_labels in LABELS[:1] if options.quick else LABELS:
        for length in LENGTHS[:1] if options.quick else LENGTHS:
            timings = alternate(
                functions(num_labels, length, options.seed), options.rounds, clock=time.process_time
            )
            medians = {name: timing.median for name, timing in timings.items()}
            size = f"{num_labels} labels, {length} words"
            report.add(f"tree, s, {size}", medians)
            for name in OBJECTIVES:
                report.notes[f"tree: {name} / local loss, {size}"] = (
                    medians[name] / medians["local loss"]
                )
