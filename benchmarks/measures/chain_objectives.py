"""What every objective costs on chains, forward and backward."""

import time
from typing import Any, Callable, Dict

import torch
from allennlp.common import Params

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.chain import with_marginals
from benchmarks.command import Options
from benchmarks.measures.chain_losses import our_nll, stock_nll, with_backward
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.chains import Chain, random_chain
from benchmarks.setups.treebank import BATCH_SIZE

TAGS = (9, 17, 50)
LENGTHS = (10, 25, 60)
MATCHES: Dict[str, Dict[str, Any]] = {
    "predictions": {},
    "predictions, window 1": {"window": 1},
    "predictions, window 3": {"window": 3},
    "scores, emissions": {"match": "scores", "form": "emissions"},
    "scores, raw": {"match": "scores", "form": "raw"},
    "scores, centred": {"match": "scores"},
    "scores, centred, Huber": {"match": "scores", "huber": 1.0},
    "scores, weighted": {"match": "scores", "form": "weighted"},
    "both": {"match": "both", "scale": 0.1},
}
OBJECTIVES: Dict[str, Dict[str, Any]] = {
    "token": {"type": "token"},
    "marginal, nodes": {"type": "marginal"},
    "marginal, edges": {"type": "marginal", "parts": "edges"},
    "top_k, 3": {"type": "top_k", "k": 3},
    "structural": {"type": "structural"},
    **{name: {"type": "substructured", **options} for name, options in MATCHES.items()},
}
CHEAPER = {"scores, raw": 20.0, "scores, centred": 20.0, "predictions": 3.0}
"""How many times cheaper than what needs a dynamic program."""
DYNAMIC = ("structural", "marginal, nodes")


def functions(num_tags: int, length: int, seed: int) -> Dict[str, Callable[[], None]]:
    """What is timed: stock's NLL, ours, and each objective, on one batch."""
    generator = torch.Generator().manual_seed(seed)
    student, taught = (random_chain([length] * BATCH_SIZE, num_tags, generator) for _ in range(2))
    with torch.no_grad():  # as a store has them: computed once
        teacher = with_marginals(taught.potentials().detach())
    found = {
        "stock NLL": with_backward(stock_nll, [student]),
        "NLL": with_backward(our_nll, [student]),
    }
    for name, config in OBJECTIVES.items():
        objective = Objective.from_params(Params(dict(config)))

        def loss(chain: Chain, objective: Objective = objective) -> torch.Tensor:
            return objective(chain.potentials(), teacher).sum()

        found[name] = with_backward(loss, [student])
    return found


def measure(report: Report, options: Options) -> None:
    """Adds the seconds of one batch, their ratios to stock's NLL, and the targets."""
    torch.set_num_threads(options.threads[0])
    for num_tags in TAGS:
        for length in LENGTHS[:1] if options.quick else LENGTHS:
            timings = alternate(
                functions(num_tags, length, options.seed), options.rounds, clock=time.process_time
            )
            medians = {name: timing.median for name, timing in timings.items()}
            size = f"{num_tags} tags, {length} words"
            report.add(f"chain, s, {size}", medians)
            for name, bound in CHEAPER.items():
                for other in DYNAMIC:
                    ratio = medians[other] / medians[name]
                    report.targets.append(Target(f"{other} / {name}, {size}", ratio, bound, True))
                report.notes[f"{name} / stock NLL, {size}"] = medians[name] / medians["stock NLL"]
