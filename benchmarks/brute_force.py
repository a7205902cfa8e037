"""Brute force: every objective and every sum over structures, against enumeration, on random batches.

Half of the batches are of chains, half of trees, of up to four words. Scores are drawn at scales from 0.1 to 300, some
of them forbidden on either side or on both, in float64, float32, bfloat16 and float16, some under autocast, at several
temperatures. All values are compared, and the gradient of one of them for each batch in float64. The enumeration is in
float64 and shares no code with the package. A wrong one is printed with the seed and the number of its batch, which
`--only` runs again.
"""

import argparse
import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Dict, List

import torch

from benchmarks.command import SEED
from benchmarks.enumeration import chains, trees
from benchmarks.enumeration.compare import Least, Tally, gradients
from benchmarks.report import Report, Target

BATCHES, QUICK = 10_000, 40
SCALES = (0.1, 1.0, 1.0, 10.0, 60.0, 300.0)
FORBIDDEN = (0.0, 0.0, 0.3)
TYPES = (torch.float64,) * 5 + (torch.float32, torch.float32, torch.bfloat16, torch.float16)
SQUARES = ("scores, emissions", "scores, raw", "scores, centred", "scores, weighted")
DECODERS = ("viterbi", "best tree", "k_best")
MODULES = {"chain": chains, "tree": trees}


def check_batch(tally: Tally, seed: int, number: int) -> None:
    """Compares all values of one random batch.

    # Parameters

    tally : `Tally`
    seed, number : `int`
        The batch depends on them alone.
    """
    draw = random.Random(seed * 1_000_003 + number)
    generator = torch.Generator().manual_seed(draw.getrandbits(60))
    structure = draw.choice(("chain", "tree"))
    module: Any = MODULES[structure]
    dtype = draw.choice(TYPES)
    narrow = dtype in (torch.bfloat16, torch.float16)
    most = 10.0 if narrow else 300.0
    lengths = [draw.randint(0, 4 if structure == "chain" else 3) for _ in range(draw.randint(1, 3))]
    num_labels = draw.randint(1, 4 if structure == "chain" else 3)
    both = draw.random() < 0.2
    sides, scale = [], 0.0
    for _ in ("student", "teacher"):
        scales = tuple(min(draw.choice(SCALES), most) for _ in range(2))
        shares = tuple(draw.choice(FORBIDDEN) for _ in range(2))
        args = (lengths, num_labels, scales, shares, dtype)
        sides.append(getattr(module, f"random_{structure}s")(generator, *args))
        scale = max(scale, *scales)
    if both:  # nearly equal
        shifted = [leaf.detach() * (1 + 1e-3) for leaf in module.leaves(sides[1])]
        sides[0] = _rebuilt(module, sides[1], shifted)
    temperature = draw.choice((1.0, 1.0, 2.0, 8.0, 0.5))
    student, teacher = sides
    options = (temperature,)
    if structure == "tree":
        options += (draw.random() < 0.7, draw.random() < 0.3)
    exact_student, exact_teacher = module.raised(student), module.raised(teacher)
    expected = module.expected_values(exact_student, exact_teacher, *options)
    autocast = dtype != torch.float64 and draw.random() < 0.3
    context = torch.autocast("cpu", dtype=torch.bfloat16) if autocast else nullcontext()
    with context:
        computed = module.computed_values(student, teacher, *options)
    epsilon = torch.finfo(torch.float64 if dtype == torch.float64 else torch.float32).eps
    of_gradient = draw.choice(sorted(set(expected) - set(DECODERS)))
    where = f"seed {seed}, batch {number}"
    forbidden_edges = structure == "chain" and bool(torch.isinf(teacher.transitions).any())
    for name in expected:
        size = 6 * scale
        if name in SQUARES:
            size = size * size
            if forbidden_edges and name != "scores, emissions":
                if any(length > 1 for length in lengths):
                    tally.check_refused(f"{structure}, {name}", computed[name], where)
                continue
        with context:
            found = computed[name]()
        wanted = expected[name]()
        if bool(torch.isinf(wanted).any()):
            # Where the student forbids what has too little probability for the type, both are right.
            Least.value = -690.0 if dtype == torch.float64 else -100.0
            wanted = torch.where(torch.isinf(found), wanted, expected[name]())
            Least.value = float("-inf")
        if found.dtype in (torch.bfloat16, torch.float16):
            raise AssertionError(f"{name}, {where}: computed in {found.dtype}")
        tally.check(f"{structure}, {name}", found, wanted, size, epsilon, where)
        if name != of_gradient or dtype != torch.float64 or not bool(torch.isfinite(wanted).all()):
            continue
        found_gradients = gradients(found, module.leaves(student))
        for one, other in zip(found_gradients, gradients(wanted, module.leaves(exact_student))):
            if bool(
                torch.isfinite(other).all()
            ):  # NaN of the enumeration's own where it has 0 * inf
                title = f"{structure}, gradients of {name}"
                tally.check(title, one, other, size, epsilon, where)
    tally.batches += 1


def _rebuilt(module: Any, potentials: Any, scores: List[torch.Tensor]) -> Any:
    scores = [score.requires_grad_() for score in scores]
    return type(potentials)(scores[0], potentials.mask, *scores[1:])


def check_batches(batches: range, seed: int) -> Tally:
    """Compares these batches."""
    torch.set_num_threads(1)
    tally, started = Tally(), time.perf_counter()
    for number in batches:
        check_batch(tally, seed, number)
        if time.perf_counter() - started > 60:
            print(f"{tally.batches} of {len(batches)} batches", flush=True)
            started = time.perf_counter()
    return tally


def measure(batches: range, seed: int, quick: bool, processes: int = 1) -> Report:
    """Compares these batches, shared among processes."""
    report = Report("brute_force", {"quick": quick, "seed": seed, "batches": len(batches)})
    if processes == 1:
        tally = check_batches(batches, seed)
    else:
        shares = [batches[start::processes] for start in range(processes)]
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            tally = Tally()
            for share in pool.map(check_batches, shares, [seed] * processes):
                tally.add(share)
    found: Dict[str, float] = {name: float(count) for name, count in tally.compared.items()}
    report.add("comparisons", found)
    report.add("wrong", {name: float(tally.wrong.get(name, 0)) for name in found})
    report.targets.append(Target("wrong values", float(sum(tally.wrong.values())), 0.0))
    report.notes["comparisons"] = sum(tally.compared.values())
    report.notes["worst share of the tolerance"] = tally.worst
    report.notes["examples"] = tally.examples
    return report


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks brute_force`."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks brute_force",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} batches")
    parser.add_argument("--batches", type=int, default=BATCHES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one batch")
    given = parser.parse_args(arguments)
    batches = range(QUICK if given.quick else given.batches)
    if given.only is not None:
        batches = range(given.only, given.only + 1)
    print(f"seed {given.seed}")
    report = measure(batches, given.seed, given.quick, given.processes)
    print(report.table())
    for example in report.notes["examples"]:
        print(example)
    report.write(given.output)
