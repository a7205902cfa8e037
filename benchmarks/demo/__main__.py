"""`make demo`: a tagger and a parser distilled on a real treebank, and served by spaCy from a wheel.

python -m benchmarks demo                 teacher, plain and distilled student of each; a table and a figure
python -m benchmarks demo --only parser   one of them
python -m benchmarks demo --seeds 3       the students over 3 seeds, recorded for the documentation
"""

import argparse
import json
import os
import platform
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from benchmarks.demo.data import prepare
from benchmarks.demo.measures import (
    deviation_of_gap,
    figure,
    gap_recovered,
    measure,
    scores,
    summary,
    table,
)
from benchmarks.demo.serving import PAGE, serve
from benchmarks.demo.stock_archive import make_stock
from benchmarks.demo.tasks import TASKS, Task
from benchmarks.demo.training import Training, train_all

ROOT = Path(__file__).resolve().parent.parent.parent
RUNS = Path("runs") / "demo"
FIRST_SEED = 13
TEXT = "Bu küçük model, büyük olandan öğrendi."
STUDENTS = {"plain": "student", "distilled": "distill"}


def seeds(seed: int) -> Dict[str, int]:
    return {"random_seed": seed, "numpy_seed": seed, "pytorch_seed": seed}


def trainings_of(task: Task, seed: int) -> Dict[str, Training]:
    """The trainings of the teacher, of the plain student and of the distilled one."""
    teacher = Training(
        task.configs / "teacher.jsonnet",
        task.runs / "teacher",
        f"{task.name}, teacher",
        task.metric,
        finish=make_stock,
    )
    folder = task.runs if seed == FIRST_SEED else task.runs / f"seed-{seed}"
    students = {
        name: Training(
            task.configs / f"{config}.jsonnet",
            folder / config,
            f"{task.name}, {name} student" + ("" if seed == FIRST_SEED else f", seed {seed}"),
            task.metric,
            seeds(seed),
            teacher.run if name == "distilled" else None,
        )
        for name, config in STUDENTS.items()
    }
    return {"teacher": teacher, **students}


def in_order(trainings: Sequence[Dict[str, Training]]) -> List[Training]:
    """Teachers first, then the students that wait for them, then the others; each once."""
    names = ("teacher", "distilled", "plain")
    return list({each[name].run: each[name] for name in names for each in trainings}.values())


def report(task: Task, rounds: Sequence[int], data: Path) -> Dict[str, Dict[str, Any]]:
    """Measures a task's models, prints its table and records the scores over several seeds."""
    print(f"{task.name}: measuring on test ...", flush=True)
    points: Dict[str, Dict[str, Any]] = {}
    found = []
    for seed in rounds:
        trainings = trainings_of(task, seed)
        runs = {name: training.run for name, training in trainings.items()}
        measured = measure(task, runs, data, speeds=not points)
        found.append({"seed": seed, **scores(measured)})
        if not points:
            points = measured
            seconds = {name: each.seconds or 0.0 for name, each in trainings.items()}
            print(f"\n{table(task, points, seconds)}")
    if len(found) > 1:
        record = summary(found)
        record["versions"] = {name: version(name) for name in ("torch", "allennlp", "numpy")}
        record["python"] = platform.python_version()
        task.record.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        print(f"deviation of the gap: {100 * deviation_of_gap(found):.2f} points, in {task.record}")
    recorded = json.loads(task.record.read_text(encoding="utf-8")) if task.record.exists() else {}
    gap = gap_recovered(**scores(points), deviation=recorded.get("deviation_of_gap"))
    print(f"gap recovered: {gap}\n", flush=True)
    return points


def print_served(tasks: Sequence[Task]) -> str:
    """Installs the wheel of the distilled students into an environment of its own; returns what that prints."""
    print("serving: building the wheel, and an environment for it ...", flush=True)
    archives = {task.name: task.runs / STUDENTS["distilled"] / "model.tar.gz" for task in tasks}
    folder = RUNS / "serving"
    said = serve(archives, folder, TEXT)
    for wheel in sorted((folder / "wheels").glob("*.whl")):
        print(f"{wheel}: {wheel.stat().st_size / 1e6:.2f} MB")
    print(f"{folder / PAGE}: its trees, drawn")
    return said


class Clock:
    """How long each part took."""

    def __init__(self) -> None:
        self.started = self.last = time.time()
        self.parts: Dict[str, float] = {}

    def lap(self, part: str) -> None:
        """Ends a part."""
        now = time.time()
        self.parts[part], self.last = now - self.last, now

    def __str__(self) -> str:
        parts = ", ".join(f"{part} {seconds:.0f} s" for part, seconds in self.parts.items())
        return f"{self.last - self.started:.0f} seconds: {parts}"


def main(given: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks demo")
    parser.add_argument(
        "--seeds", type=int, default=1, help="students over this many seeds, recorded"
    )
    parser.add_argument(
        "--only", choices=[task.name for task in TASKS], help="distill this one alone"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=min(4, len(os.sched_getaffinity(0))),
        help="how many trainings to run at once",
    )
    arguments = parser.parse_args(given)
    if arguments.jobs < 1:
        parser.error(f"--jobs must be at least 1, found {arguments.jobs}")
    os.chdir(ROOT)
    # So that what is being trained is stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    clock = Clock()

    data = RUNS / "data"
    counts = prepare(data / "turkish")
    print(
        "treebank: "
        + ", ".join(f"{count:,} {name}" for name, count in counts.items())
        + " sentences"
    )
    tasks = [task for task in TASKS if arguments.only in (None, task.name)]
    rounds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    # Parsers take longer, so they start first.
    every = [trainings_of(task, seed) for seed in rounds for task in reversed(tasks)]
    train_all(in_order(every), data, arguments.jobs)
    clock.lap("training")
    points = {task.name: report(task, rounds, data) for task in tasks}
    clock.lap("measuring")
    said = print_served(tasks)
    clock.lap("packaging and serving")

    from benchmarks.measures.frontier_figure import draw

    print(f"{clock}; everything is in {RUNS}, `make demo` takes up from there\n")
    for task in tasks:
        files = draw(points[task.name], task.name, task.measured.score, RUNS / "figures")
        print(f"{figure(task, points[task.name])}\n  drawn: {files[0]}\n")
    print(said)


if __name__ == "__main__":
    main()
