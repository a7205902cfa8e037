"""Alternating rounds of what is to be compared, in one process."""

import gc
import statistics
import time
from typing import Callable, Dict, List, NamedTuple

LEAST_ROUNDS = 7


class Timing(NamedTuple):
    """The seconds of one call, round by round.

    # Parameters

    seconds : `List[float]`
    """

    seconds: List[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def alternate(
    functions: Dict[str, Callable[[], object]],
    rounds: int = LEAST_ROUNDS,
    repeat: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Dict[str, Timing]:
    """Times each of the functions once a round, so that what slows the machine slows all of them.

    The first, untimed round pays for what is built on first use. The order moves on from round to
    round, so that none is always the first.

    # Parameters

    functions : `Dict[str, Callable[[], object]]`
        By name; what they return is dropped.
    rounds : `int`, optional (default = `7`)
    repeat : `int`, optional (default = `1`)
        The calls that a time is the mean of, for functions much shorter than a millisecond.
    clock : `Callable[[], float]`, optional (default = `time.perf_counter`)
    """
    if rounds < 1 or repeat < 1:
        raise ValueError(f"rounds and repeat must be at least 1, found {rounds} and {repeat}")
    names = list(functions)
    seconds: Dict[str, List[float]] = {name: [] for name in names}
    for name in names:
        functions[name]()
    gc.collect()
    collects = gc.isenabled()
    gc.disable()  # a collection would fall on whichever function comes when it is due
    try:
        for number in range(rounds):
            shift = number % len(names) if names else 0
            for name in names[shift:] + names[:shift]:
                started = clock()
                for _ in range(repeat):
                    functions[name]()
                seconds[name].append((clock() - started) / repeat)
            gc.collect()
    finally:
        if collects:
            gc.enable()
    return {name: Timing(times) for name, times in seconds.items()}
