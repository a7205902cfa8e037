"""The losses over a chain by themselves, forward and backward, against stock's NLL."""

from typing import Any, Callable, Dict, List, Tuple

import torch
from allennlp.common import Params

from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.chain import nll
from benchmarks.command import Options
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.chains import Chain, random_chain
from benchmarks.setups.treebank import typical_batches

NLL_BOUND = 0.5
TAGS = (9, 17, 50)
# By name: the options of `substructured`, and the bound by number of tags.
OBJECTIVES: Dict[str, Tuple[Dict[str, Any], Dict[int, float]]] = {
    "scores, emissions": ({}, {9: 0.05, 17: 0.05, 50: 0.05}),
    "scores, raw": ({}, {9: 0.05, 17: 0.05, 50: 0.05}),
    "scores, centred": ({}, {9: 0.05, 17: 0.05, 50: 0.05}),
    "predictions": ({}, {9: 0.15, 17: 0.25, 50: 0.6}),
}
WIDE = 30.0
"""A spread at which probability space would not do."""


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


def measure(report: Report, options: Options) -> None:
    """Adds the medians of one batch, and the targets."""
    generator = torch.Generator().manual_seed(options.seed)
    batches = typical_batches(1 if options.quick else 4)
    for num_tags in TAGS:
        chains = [random_chain(lengths, num_tags, generator) for lengths in batches]
        wide = [random_chain(lengths, num_tags, generator, WIDE) for lengths in batches]
        teachers = {
            id(chain): random_chain(lengths, num_tags, generator).potentials().detach()
            for chain, lengths in zip(chains, batches)
        }
        worst = max(_difference(chain) for chain in chains + wide)
        losses = {
            "stock NLL": with_backward(stock_nll, chains),
            "NLL": with_backward(our_nll, chains),
            "NLL, wide scores": with_backward(our_nll, wide),
        }
        for name, (parameters, _) in OBJECTIVES.items():
            objective = Objective.from_params(Params({"type": "substructured", **parameters}))
            losses[name] = with_backward(
                lambda chain, objective=objective: objective(
                    chain.potentials(), teachers[id(chain)]
                ).sum(),
                chains,
            )
        for threads in options.threads:
            torch.set_num_threads(threads)
            timings = alternate(losses, options.rounds)
            medians = {name: timing.median / len(batches) for name, timing in timings.items()}
            report.add(
                f"s, {threads} threads",
                {f"{name}, {num_tags} tags": median for name, median in medians.items()},
            )
            if threads == options.threads[0]:
                single = medians
        bounds = {"NLL": NLL_BOUND}
        bounds.update({name: bound[num_tags] for name, (_, bound) in OBJECTIVES.items()})
        report.targets += [
            Target(
                f"{name} / stock NLL, {num_tags} tags", single[name] / single["stock NLL"], bound
            )
            for name, bound in bounds.items()
        ]
        report.targets.append(
            Target(f"relative difference of the NLLs, {num_tags} tags", worst, 1e-5)
        )


def _difference(chain: Chain) -> float:
    with torch.no_grad():
        expected, found = stock_nll(chain).item(), our_nll(chain).item()
    return abs(expected - found) / abs(expected)
