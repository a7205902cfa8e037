"""The losses over a chain by themselves, forward and backward, against stock's NLL."""

from typing import Any, Callable, Dict, List, Tuple

import torch
from allennlp.common import Params

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.chain import nll
from benchmarks.command import Options, conditions
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.chains import Chain, random_chain
from benchmarks.setups.treebank import typical_batches

NLL_BOUND = 0.5
TAGS = (9, 17, 50)
# By name: the options of `substructured`, and the bound by number of tags.
OBJECTIVES: Dict[str, Tuple[Dict[str, Any], Dict[int, float]]] = {
    "scores, emissions": ({"match": "scores", "form": "emissions"}, {9: 0.05, 17: 0.05, 50: 0.05}),
    "scores, raw": ({"match": "scores", "form": "raw"}, {9: 0.05, 17: 0.05, 50: 0.05}),
    "scores, centred": ({"match": "scores", "form": "centred"}, {9: 0.05, 17: 0.05, 50: 0.05}),
    "predictions": ({"match": "predictions"}, {9: 0.15, 17: 0.25, 50: 0.6}),
}
WIDE = 30.0
"""A spread of all scores at which probability space would not do."""


def stock_nll(chain: Chain) -> torch.Tensor:
    """Summed over the batch."""
    return -chain.crf(chain.emissions, chain.tags, chain.mask)


def our_nll(chain: Chain) -> torch.Tensor:
    """The same."""
    return nll(chain.potentials(), chain.tags).sum()


def with_backward(loss: Callable[[Chain], torch.Tensor], chains: List[Chain]) -> Callable[[], None]:
    """Forward and backward over all of these."""

    def step() -> None:
        for chain in chains:
            chain.zero_grad()
            loss(chain).backward()

    return step


def losses(
    batches: List[List[int]], num_tags: int, generator: torch.Generator
) -> Tuple[Dict[str, Callable[[], None]], List[Chain]]:
    """What is timed, and all the chains that it is timed on."""

    def chains(*spreads: float) -> List[Chain]:
        return [random_chain(lengths, num_tags, generator, *spreads) for lengths in batches]

    students, wide = chains(), chains(WIDE, WIDE)
    teachers = [chain.potentials().detach() for chain in chains()]
    found = {
        "stock NLL": with_backward(stock_nll, students),
        "NLL": with_backward(our_nll, students),
        "NLL, wide scores": with_backward(our_nll, wide),
    }
    taught = {id(chain): teacher for chain, teacher in zip(students, teachers)}
    for name, (parameters, _) in OBJECTIVES.items():
        objective = Objective.from_params(Params({"type": "substructured", **parameters}))
        found[name] = with_backward(
            lambda chain, objective=objective: objective(
                chain.potentials(), taught[id(chain)]
            ).sum(),
            students,
        )
    return found, students + wide


def measure(report: Report, options: Options) -> None:
    """Adds the medians of one batch, and the targets."""
    for num_tags in TAGS:
        found = []
        for condition in conditions(options):
            torch.set_num_threads(condition.threads)
            generator = torch.Generator().manual_seed(options.seed)
            batches = typical_batches(1 if options.quick else 8, options.seed, condition.bucketed)
            functions, chains = losses(batches, num_tags, generator)
            timings = alternate(functions, options.rounds)
            medians = {name: timing.median / len(batches) for name, timing in timings.items()}
            report.add(
                condition.label,
                {f"{name}, {num_tags} tags": median for name, median in medians.items()},
            )
            found.append((medians, max(map(_difference, chains))))
        medians, worst = found[0]
        bounds = {"NLL": NLL_BOUND}
        bounds.update({name: bound[num_tags] for name, (_, bound) in OBJECTIVES.items()})
        for name, bound in bounds.items():
            ratio = medians[name] / medians["stock NLL"]
            report.targets.append(Target(f"{name} / stock NLL, {num_tags} tags", ratio, bound))
        report.targets.append(
            Target(f"relative difference of the NLLs, {num_tags} tags", worst, 1e-5)
        )


def _difference(chain: Chain) -> float:
    with torch.no_grad():
        expected, found = stock_nll(chain).item(), our_nll(chain).item()
    return abs(expected - found) / abs(expected)
