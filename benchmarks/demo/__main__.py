"""`make demo`: a tagger distilled on a real treebank.

    python -m benchmarks.demo                 the teacher, the student plain and distilled, and the table
    python -m benchmarks.demo --seeds 3       the students over 3 seeds; records what the gap's deviation is
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
from typing import Any, Dict

from benchmarks.demo.data import prepare
from benchmarks.demo.measures import (
    deviation_of_gap,
    gap_recovered,
    measure,
    share_of_equal,
    summary,
    tag,
)
from benchmarks.demo.training import seconds_per_epoch, train

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIGS = Path("training_configs") / "demo"
RUNS = Path("runs") / "demo"
RECORD = ROOT / "benchmarks" / "results" / "demo.json"
FIRST_SEED = 13
SENTENCE = "Bu küçük model , büyük olandan öğrendi .".split()
STUDENTS = {"plain": "student", "distilled": "distill"}


def seeds(seed: int) -> Dict[str, int]:
    return {"random_seed": seed, "numpy_seed": seed, "pytorch_seed": seed}


def train_students(seed: int, data: Path) -> Dict[str, Path]:
    folder = RUNS if seed == FIRST_SEED else RUNS / f"seed-{seed}"
    runs = {}
    for name, config in STUDENTS.items():
        runs[name] = folder / config
        train(CONFIGS / f"{config}.jsonnet", runs[name], f"{name} student", seeds(seed), data)
    return runs


def measure_all(runs: Dict[str, Path], test: Path) -> Dict[str, Dict[str, Any]]:
    rows = {}
    for name, run in runs.items():
        rows[name] = measure(run / "model.tar.gz", test)
        rows[name]["seconds_per_epoch"] = seconds_per_epoch(run)
    for row in rows.values():
        row["agreement"] = share_of_equal(row["tags"], rows["teacher"]["tags"])
    return rows


def print_table(rows: Dict[str, Dict[str, Any]]) -> None:
    recorded = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    line = "{:<11} {:>9} {:>12} {:>9} {:>8} {:>10}"
    print()
    print(line.format("", "accuracy", "parameters", "words/s", "s/epoch", "agreement"))
    for name, row in rows.items():
        print(
            line.format(
                name,
                f"{100 * row['accuracy']:.2f} %",
                f"{row['parameters']:,}",
                f"{row['words_per_second']:,.0f}",
                f"{row['seconds_per_epoch']:.1f}",
                f"{100 * row['agreement']:.2f} %" if name != "teacher" else "",
            )
        )
    accuracy = {name: row["accuracy"] for name, row in rows.items()}
    print(f"gap recovered: {gap_recovered(**accuracy, deviation=recorded.get('deviation_of_gap'))}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo")
    parser.add_argument("--seeds", type=int, default=1, help="students over so many seeds, recorded")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    # So that what is being trained is stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.time()

    data = RUNS / "data"
    counts = prepare(data / "turkish")
    print("treebank: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()) + " sentences")
    teacher = RUNS / "teacher"
    train(CONFIGS / "teacher.jsonnet", teacher, "teacher", {}, data)

    rounds = []
    for seed in range(FIRST_SEED, FIRST_SEED + arguments.seeds):
        runs = {"teacher": teacher, **train_students(seed, data)}
        print("measuring on test ...", flush=True)
        rows = measure_all(runs, data / "turkish" / "test.conllu")
        rounds.append({"seed": seed, **{name: row["accuracy"] for name, row in rows.items()}})
        print_table(rows)
    if arguments.seeds > 1:
        record = summary(rounds)
        record["versions"] = {name: version(name) for name in ("torch", "allennlp", "numpy")}
        record["python"] = platform.python_version()
        RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        print(f"deviation of the gap: {100 * deviation_of_gap(rounds):.2f} points, in {RECORD}")

    distilled = RUNS / STUDENTS["distilled"] / "model.tar.gz"
    print()
    print(" ".join(f"{word}/{label}" for word, label in zip(SENTENCE, tag(distilled, SENTENCE))))
    print(f"{time.time() - started:.0f} seconds; everything is in {RUNS}, `make demo` takes up from there")


if __name__ == "__main__":
    main()
