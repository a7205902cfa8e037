"""The command line that the benchmarks have in common."""

import argparse
import random
from pathlib import Path
from typing import Callable, List, NamedTuple, Optional, Tuple

import numpy
import torch

from benchmarks.report import Report
from benchmarks.rounds import LEAST_ROUNDS

SEED = 13


class Options(NamedTuple):
    """What a benchmark is told.

    # Parameters

    quick : `bool`
        Fewer rounds and smaller sizes: to see that it runs, not for numbers.
    rounds : `int`
    threads : `Tuple[int, ...]`
        The numbers of threads to measure with, first the one that the targets are for.
    seed : `int`
    output : `Path`, optional
        The file that the report is written to, for what is written part by part.
    """

    quick: bool
    rounds: int
    threads: Tuple[int, ...]
    seed: int
    output: Optional[Path] = None


class Condition(NamedTuple):
    """Under which something is measured.

    # Parameters

    threads : `int`
    bucketed : `bool`
        Whether a batch's sentences are of about the same length, or any that a shuffle brings
        together, as AllenNLP does where a configuration says nothing else.
    """

    threads: int
    bucketed: bool

    @property
    def label(self) -> str:
        """The heading of its column."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"s, {threads}" + (", bucketed" if self.bucketed else "")


def conditions(options: Options) -> List[Condition]:
    """All that are measured; the targets are for the first."""
    found = [Condition(threads, False) for threads in options.threads]
    return found if options.quick else [*found, Condition(options.threads[0], True)]


class Unavailable(Exception):
    """What the benchmark needs is not there, such as a CUDA device."""


class NoData(Unavailable):
    """The benchmark's data are not there."""


def run(
    name: str,
    measure: Callable[[Options], Report],
    arguments: List[str],
    description: Optional[str],
) -> Optional[Report]:
    """Parses the arguments, measures, prints the table and writes the file.

    # Returns

    `Report`, optional
        `None` where the data or the device are missing. It prints so, which is no failure.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs")
    parser.add_argument("--rounds", type=int, help=f"at least {LEAST_ROUNDS}, unless --quick")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args(arguments)
    rounds = given.rounds or (2 if given.quick else LEAST_ROUNDS)
    if not given.quick and rounds < LEAST_ROUNDS:
        parser.error(f"--rounds must be at least {LEAST_ROUNDS}, found {rounds}")
    threads = (1,) if given.quick else (1, 2)
    options = Options(given.quick, rounds, threads, given.seed, given.output)

    set_seed(options.seed)
    before = torch.get_num_threads()
    try:
        report = measure(options)
    except Unavailable as error:
        missing = "no data" if isinstance(error, NoData) else "not available"
        print(f"skipped: {missing} ({error})")
        return None
    finally:
        torch.set_num_threads(before)
    print(report.table())
    report.write(given.output)
    return report


def settings(options: Options, **more) -> dict:
    """What every report says about its conditions."""
    return {
        "quick": options.quick,
        "rounds": options.rounds,
        "threads": options.threads[0],
        "threads_reported": list(options.threads),
        "seed": options.seed,
        **more,
    }


def set_seed(seed: int) -> None:
    """Seeds all generators."""
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
