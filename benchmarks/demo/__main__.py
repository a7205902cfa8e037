"""`make demo`: a tagger and a parser distilled on a real treebank, and served by spaCy from a wheel.

python -m benchmarks demo                 of each the teacher, the student plain and distilled, and a table
python -m benchmarks demo --only parser   one of them
python -m benchmarks demo --seeds 3       the students over 3 seeds; records what the gap's deviation is
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
    decode,
    deviation_of_gap,
    gap_recovered,
    measure,
    share_of_equal,
    summary,
)
from benchmarks.demo.serving import PAGE, serve
from benchmarks.demo.stock_archive import make_stock
from benchmarks.demo.tasks import TASKS, Task
from benchmarks.demo.training import seconds_per_epoch, train

ROOT = Path(__file__).resolve().parent.parent.parent
RUNS = Path("runs") / "demo"
FIRST_SEED = 13
TEXT = "Bu küçük model, büyük olandan öğrendi."
SENTENCE = TEXT.replace(",", " ,").replace(".", " .").split()
STUDENTS = {"plain": "student", "distilled": "distill"}


def seeds(seed: int) -> Dict[str, int]:
    return {"random_seed": seed, "numpy_seed": seed, "pytorch_seed": seed}


def train_teacher(task: Task, data: Path) -> Path:
    run = task.runs / "teacher"
    train(task.configs / "teacher.jsonnet", run, f"{task.name}, teacher", {}, data, task.metric)
    make_stock(run / "model.tar.gz")
    return run


def train_students(task: Task, seed: int, data: Path) -> Dict[str, Path]:
    folder = task.runs if seed == FIRST_SEED else task.runs / f"seed-{seed}"
    runs = {}
    for name, config in STUDENTS.items():
        runs[name] = folder / config
        label = f"{task.name}, {name} student"
        train(task.configs / f"{config}.jsonnet", runs[name], label, seeds(seed), data, task.metric)
    return runs


def measure_all(runs: Dict[str, Path], test: Path) -> Dict[str, Dict[str, Any]]:
    rows = {}
    for name, run in runs.items():
        rows[name] = measure(run / "model.tar.gz", test)
        rows[name]["seconds_per_epoch"] = seconds_per_epoch(run)
    for row in rows.values():
        row["agreement"] = share_of_equal(row["decoded"], rows["teacher"]["decoded"])
    return rows


def score(task: Task, row: Dict[str, Any]) -> float:
    """What the gap is of."""
    return row["scores"][task.columns[-1]]


def print_table(task: Task, rows: Dict[str, Dict[str, Any]]) -> None:
    recorded = json.loads(task.record.read_text(encoding="utf-8")) if task.record.exists() else {}
    line = "{:<11}" + " {:>9}" * len(task.columns) + " {:>12} {:>9} {:>8} {:>10}"
    print()
    print(line.format(task.name, *task.columns, "parameters", "words/s", "s/epoch", "agreement"))
    for name, row in rows.items():
        print(
            line.format(
                name,
                *(f"{100 * row['scores'][column]:.2f} %" for column in task.columns),
                f"{row['parameters']:,}",
                f"{row['words_per_second']:,.0f}",
                f"{row['seconds_per_epoch']:.1f}",
                f"{100 * row['agreement']:.2f} %" if name != "teacher" else "",
            )
        )
    scores = {name: score(task, row) for name, row in rows.items()}
    print(f"gap recovered: {gap_recovered(**scores, deviation=recorded.get('deviation_of_gap'))}")


def print_sentence(archive: Path) -> None:
    found = decode(archive, SENTENCE)
    print()
    if isinstance(found[0], str):
        print(" ".join(f"{word}/{label}" for word, label in zip(SENTENCE, found)))
        return
    words = ["ROOT"] + SENTENCE
    print(
        ", ".join(
            f"{word} <-{label}- {words[head]}" for word, (head, label) in zip(SENTENCE, found)
        )
    )


def print_served(tasks: Sequence[Task]) -> None:
    """The distilled students' wheel, installed where nothing else is, annotates a text."""
    print("serving: building the wheel, and an environment for it ...", flush=True)
    archives = {task.name: task.runs / STUDENTS["distilled"] / "model.tar.gz" for task in tasks}
    folder = RUNS / "serving"
    said = serve(archives, folder, TEXT)
    for wheel in sorted((folder / "wheels").glob("*.whl")):
        print(f"{wheel}: {wheel.stat().st_size / 1e6:.2f} MB")
    print(f"{folder / PAGE}: its trees, drawn")
    print(said)


def distil(task: Task, number_of_seeds: int, data: Path) -> None:
    teacher = train_teacher(task, data)
    rounds = []
    for seed in range(FIRST_SEED, FIRST_SEED + number_of_seeds):
        runs = {"teacher": teacher, **train_students(task, seed, data)}
        print(f"{task.name}: measuring on test ...", flush=True)
        rows = measure_all(runs, data / "turkish" / "test.conllu")
        rounds.append({"seed": seed, **{name: score(task, row) for name, row in rows.items()}})
        print_table(task, rows)
    if number_of_seeds > 1:
        record = summary(rounds)
        record["versions"] = {name: version(name) for name in ("torch", "allennlp", "numpy")}
        record["python"] = platform.python_version()
        task.record.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        print(
            f"deviation of the gap: {100 * deviation_of_gap(rounds):.2f} points, in {task.record}"
        )
    print_sentence(task.runs / STUDENTS["distilled"] / "model.tar.gz")
    print()


def main(given: Optional[List[str]] = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks demo")
    parser.add_argument(
        "--seeds", type=int, default=1, help="students over this many seeds, recorded"
    )
    parser.add_argument(
        "--only", choices=[task.name for task in TASKS], help="distil this one alone"
    )
    arguments = parser.parse_args(given)
    os.chdir(ROOT)
    # So that what is being trained is stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.time()

    data = RUNS / "data"
    counts = prepare(data / "turkish")
    print(
        "treebank: "
        + ", ".join(f"{count:,} {name}" for name, count in counts.items())
        + " sentences"
    )
    tasks = [task for task in TASKS if arguments.only in (None, task.name)]
    for task in tasks:
        distil(task, arguments.seeds, data)
    print_served(tasks)
    print(
        f"{time.time() - started:.0f} seconds; everything is in {RUNS}, `make demo` takes up from there"
    )


if __name__ == "__main__":
    main()
