"""Trainings are killed (SIGKILL) at random and at named moments, continued, and compared.

A recovered training survives if its weights are those of one that was not killed, bit by bit.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from benchmarks.command import SEED
from benchmarks.report import Report, Target


def measure(folder: Path, given: argparse.Namespace) -> Report:
    """Trains each experiment once unharmed, then as often as there are kills.

    # Parameters

    folder : `Path`
        An empty one.
    given : `argparse.Namespace`
        What the command was given.
    """
    import allennlp_models.structured_prediction  # noqa: F401
    import allennlp_models.tagging  # noqa: F401

    import allennlp_kd.plugin  # noqa: F401
    from benchmarks.killing.corpora import write_corpora
    from benchmarks.killing.experiments import PARSER_TEACHER, TEACHER, experiment
    from benchmarks.killing.points import points
    from benchmarks.killing.runs import train, weights

    data = folder / "data"
    write_corpora(data)
    for teacher in (TEACHER, PARSER_TEACHER):
        train(experiment(teacher, data, data), data / teacher)
    generator = random.Random(given.seed)
    settings = {"seed": given.seed, "quick": given.quick, "kills_at_random": given.kills}
    report = Report("kills", {**settings, "stock": given.stock})
    counts: Dict[str, List[int]] = {}
    failures: List[str] = []

    def trial(name: str, kind: str, number: int, *harm: Dict[str, Any]) -> None:
        place = folder / f"{name} {number}"
        place.mkdir()
        config = experiment(name, data, place, given.stock)
        killed, fault = 0, None
        try:
            for each in harm:
                killed += train(config, place / "run", **each)
            train(config, place / "run")
            if weights(place / "run") != expected:
                fault = "other weights"
        except RuntimeError as error:
            fault = str(error)
        count = counts.setdefault(f"{name}: {kind}", [0, 0])
        count[0] += killed
        count[1] += killed if fault is None else 0
        if kind != "random" and killed < len(harm):
            fault = fault or "not reached"  # a kill that did not come about proves nothing
        if fault is not None:
            failures.append(f"{name}, {kind}: {fault}")
            print(f"{place}: {kind}: {fault}", file=sys.stderr)

    for name in given.experiments:
        place = folder / f"{name} unharmed"
        place.mkdir()
        started = time.perf_counter()
        train(experiment(name, data, place, given.stock), place / "run")
        seconds = time.perf_counter() - started
        expected = weights(place / "run")
        report.add("seconds", {f"{name}, unharmed": seconds})
        named: List[Tuple[str, Callable[[], None]]] = list(points(name).items())
        for number, (kind, arm) in enumerate(named[:: 3 if given.quick else 1]):
            trial(name, kind, number, {"arm": arm})
        number = len(named)
        while counts.setdefault(f"{name}: random", [0, 0])[0] < given.kills:
            moments = [{"kill_after": generator.uniform(0, seconds)} for _ in range(2)]
            trial(name, "random", number, *moments)
            number += 1
    total, survived = (sum(count[place] for count in counts.values()) for place in range(2))
    report.add("killed", {kind: float(count[0]) for kind, count in counts.items()})
    report.add("survived", {kind: float(count[1]) for kind, count in counts.items()})
    report.targets.append(Target("kills that were not survived", float(total - survived), 0.0))
    report.targets.append(Target("trials that failed", float(len(failures)), 0.0))
    report.notes = {"kills": total, "survived": survived, "failures": failures}
    return report


def main(arguments: List[str]) -> Optional[Report]:
    """The entry point; `arguments` are the words after `python -m benchmarks kills`."""
    from benchmarks.killing.experiments import NAMES

    parser = argparse.ArgumentParser(prog="python -m benchmarks kills", description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    parser.add_argument(
        "--kills",
        type=int,
        default=20,
        help="how many at random, at least, for each experiment: each training is killed twice, "
        "the second time after it has been continued, if it has not ended by then",
    )
    parser.add_argument("--experiments", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--quick", action="store_true", help="only some of the named moments")
    parser.add_argument("--stock", action="store_true", help="with AllenNLP's own trainer instead")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--folder", type=Path, help="where to train, and to leave what failed")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        report = measure(folder, given)
    print(report.table())
    report.write(given.output)
    return report
