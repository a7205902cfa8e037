"""Losses and gradients of all objectives on a device against those on the CPU."""

from functools import partial
from typing import Any, Dict, Iterator, List, Tuple

import torch
from allennlp.common import Params
from torch import Tensor

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.chain import with_marginals
from benchmarks.command import Options
from benchmarks.measures import chain_objectives, tree_objectives
from benchmarks.measures.chain_losses import our_nll
from benchmarks.measures.tree_objectives import Trees, local_loss
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.chains import Chain, random_chain
from benchmarks.setups.device import full_float32, synchronized

TOLERANCE = 1e-4
"""Relative to the largest of the CPU's values, in float32."""
TAGS, LABELS, LENGTH = 17, 25, 25


def measure(report: Report, options: Options, device: torch.device) -> None:
    """Adds the milliseconds of each objective and the largest relative differences from the CPU."""
    with full_float32():
        for structure, pair in (("chain", _chains(options)), ("tree", _trees(options))):
            configs = {"chain": chain_objectives, "tree": tree_objectives}[structure].OBJECTIVES
            timed, differences = {}, {}
            sides = [[part.to(place) for part in pair] for place in (torch.device("cpu"), device)]
            for name in ["gold", *configs]:
                config = configs.get(name)
                cpu, there = (_result(*side, config) for side in sides)
                differences[f"{structure}: {name}"] = _difference(cpu, there)

                timed[f"{structure}: {name}"] = synchronized(
                    partial(_result, *sides[1], config), device
                )
            timings = alternate(timed, options.rounds)
            report.add(
                "ms, loss alone", {name: 1000 * each.median for name, each in timings.items()}
            )
            report.add("difference from the CPU", differences)
            worst = max(differences, key=lambda name: differences[name])
            report.notes[f"{structure}: objective that differs most from the CPU"] = worst
            report.targets.append(
                Target(
                    f"{structure}: largest difference from the CPU", differences[worst], TOLERANCE
                )
            )


def _chains(options: Options) -> Tuple[Chain, Chain]:
    generator = torch.Generator().manual_seed(options.seed)
    lengths = _lengths(options)
    student, teacher = (random_chain(lengths, TAGS, generator) for _ in range(2))
    return student, teacher


def _trees(options: Options) -> Tuple[Trees, Trees]:
    generator = torch.Generator().manual_seed(options.seed)
    student, teacher = (Trees(LENGTH, LABELS, generator) for _ in range(2))
    return student, teacher


def _lengths(options: Options) -> List[int]:
    return [5, 1, 3] if options.quick else [LENGTH - number % LENGTH for number in range(32)]


def _result(student: Any, teacher: Any, config: Any) -> List[Tensor]:
    """The loss and its gradients; of the gold annotation where there is no objective."""
    student.zero_grad()
    if config is None:
        loss = our_nll(student) if isinstance(student, Chain) else local_loss(student)
    else:
        target = teacher.potentials().detach()
        if isinstance(student, Chain):
            target = with_marginals(target)
        objective = Objective.from_params(Params(dict(config)))
        loss = objective(student.potentials(), target).sum()
    loss.backward()
    return [loss.detach(), *_gradients(student)]


def _gradients(side: Any) -> Iterator[Tensor]:
    tensors: Dict[str, Tensor]
    if isinstance(side, Chain):
        tensors = {"emissions": side.emissions, **dict(side.crf.named_parameters())}
    else:
        tensors = {"arcs": side.arcs, **side.factors}
    for tensor in tensors.values():
        yield torch.zeros_like(tensor) if tensor.grad is None else tensor.grad.clone()


def _difference(ours: List[Tensor], theirs: List[Tensor]) -> float:
    """The largest difference of an element, relative to the largest value of its tensor."""
    found = 0.0
    for cpu, other in zip(ours, theirs):
        scale = float(cpu.abs().max())
        if scale > 0:
            found = max(found, float((cpu - other.cpu()).abs().max()) / scale)
    return found
