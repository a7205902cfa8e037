"""A chain's algorithms and the objective `scores`, by length and by the number of tags."""

import time
from typing import Callable, Dict, List

import torch
from allennlp.common import Params

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.chain import decoding
from benchmarks.command import Options
from benchmarks.measures.chain_losses import our_nll, with_backward
from benchmarks.measures.exponents import keep
from benchmarks.memory import peak_bytes
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.chains import Chain, random_chain

ROWS = 8
LENGTHS = (10, 20, 40, 80, 160, 320)
TAGS = (5, 10, 25, 50, 100, 200)
USUAL_TAGS, LONG = 17, 320
BOUND = 1.2
ROUNDS = 3  # times as many as elsewhere: what is this short is sensitive to what else runs
LEAST = 0.02  # seconds that a timing is the mean over, about


def arms(chain: Chain, teacher: Chain) -> Dict[str, Callable[[], object]]:
    """What is measured on one batch."""
    objective = Objective.from_params(Params({"type": "substructured", "match": "scores"}))
    taught = teacher.potentials().detach()

    def scores(chain: Chain) -> torch.Tensor:
        return objective(chain.potentials(), taught).sum()

    return {
        "NLL": with_backward(our_nll, [chain]),
        "scores": with_backward(scores, [chain]),
        "Viterbi": lambda: decoding.viterbi(chain.potentials().detach()),
    }


def grow(
    report: Report, options: Options, unit: str, sizes: List[int], shape: Callable[[int], tuple]
) -> Dict[str, float]:
    """Measures at each size; returns the exponents, of seconds and of bytes."""
    rounds = options.rounds * (1 if options.quick else ROUNDS)
    seconds: Dict[str, Dict[int, float]] = {}
    peaks: Dict[str, Dict[int, float]] = {}
    for size in sizes:
        length, tags = shape(size)
        generator = torch.Generator().manual_seed(options.seed)
        chain, teacher = (random_chain([length] * ROWS, tags, generator) for _ in range(2))
        for name, function in arms(chain, teacher).items():
            function()
            started = time.perf_counter()
            function()
            repeat = max(1, round(LEAST / max(time.perf_counter() - started, 1e-6)))
            timing = alternate({name: function}, rounds, repeat, time.process_time)[name]
            seconds.setdefault(name, {})[size] = timing.median
            peaks.setdefault(name, {})[size] = float(peak_bytes(function))
    found = {}
    for name in seconds:
        found[name] = keep(report, f"{name}: s", unit, seconds[name])
        found[f"{name}, bytes"] = keep(report, f"{name}: bytes", unit, peaks[name])
    return found


def measure(report: Report, options: Options) -> None:
    """Adds medians, exponents and targets."""
    torch.set_num_threads(options.threads[0])
    few = slice(0, 3) if options.quick else slice(None)
    by_length = grow(
        report, options, "words", list(LENGTHS[few]), lambda length: (length, USUAL_TAGS)
    )
    long = LENGTHS[2] if options.quick else LONG
    by_tags = grow(report, options, "tags", list(TAGS[few]), lambda tags: (long, tags))
    for name in ("NLL", "Viterbi", "scores"):
        report.targets.append(Target(f"{name}: exponent of length", by_length[name], BOUND))
    report.targets += [
        Target("scores: exponent of tags", by_tags["scores"], BOUND),
        Target("scores: exponent of tags, memory", by_tags["scores, bytes"], BOUND),
    ]
    report.notes["chains"] = {"rows": ROWS, "tags": USUAL_TAGS, "words": long}
