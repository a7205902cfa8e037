"""The frontier: accuracy on test against words per second, for the teacher, spaCy's own training and the students.

Accuracy is that of recorded runs (`results/`), the mean over their seeds; of the teacher and of 8-bit weights, it is
measured on one archive. Speed is measured in this process, in alternating rounds, with one thread, on the words of
the dev set, in CPU time, so that a busy machine counts little. Archives: $ALLENNLP_KD_TEACHERS and
$ALLENNLP_KD_STUDENTS (`TASK-SIZE.tar.gz`). Pipelines of `spacy_baselines`: `--spacy`. What is measured replaces what
the output says of the same contender, and what is missing is printed.
"""

import argparse
import json
import os
import statistics
from pathlib import Path
from typing import Any, Dict, List, Optional

from benchmarks.frontier_line import is_below
from benchmarks.table import format_table

LEAST_ROUNDS = 5
PER_CALL = 256
"""Sentences in a timed call."""


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks frontier`."""
    from benchmarks.setups.tasks import TASKS

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks frontier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON file")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--spacy", type=Path, default=Path("spacy"), help="spaCy's pipelines")
    parser.add_argument("--figures", type=Path, help="the folder to draw a figure for each task in")
    parser.add_argument("--rounds", type=int, default=LEAST_ROUNDS)
    parser.add_argument("--quick", action="store_true", help="few sentences, to see that it runs")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    options = parser.parse_args(arguments)
    if options.rounds < LEAST_ROUNDS and not options.quick:
        parser.error(f"--rounds must be at least {LEAST_ROUNDS}, found {options.rounds}")

    report = read(options.output)
    if not options.table:
        for task in options.tasks:
            measure(report, task, options)
            options.output.parent.mkdir(parents=True, exist_ok=True)
            options.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for task in options.tasks:
        print(f"\n{task}\n\n{table(report, task)}")
        for line in missing(report, task):
            print(f"missing: {line}")
        for name in to_remove(report, task):
            print(f"{name} lies below the line that connects its neighbors on the frontier")
    if options.figures is not None:
        from benchmarks.measures.frontier_figure import draw

        for task in options.tasks:
            if any(map(is_whole, points(report, task).values())):
                draw(points(report, task), task, TASKS[task].score, options.figures)


def read(path: Path) -> Dict[str, Any]:
    """What was measured before."""
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    return {"benchmark": "frontier", "tasks": {}}


def points(report: Dict[str, Any], task: str) -> Dict[str, Dict[str, Any]]:
    """A task's contenders by label."""
    return report["tasks"].get(task, {}).get("points", {})


def is_whole(point: Dict[str, Any]) -> bool:
    """Whether a contender has both a speed and a score."""
    return point.get("words_per_second") is not None and point.get("score") is not None


def measure(report: Dict[str, Any], task: str, options: argparse.Namespace) -> None:
    """Adds what the models and the recorded runs at hand say of a task."""
    import torch

    from benchmarks.measures.served_contenders import measure_score, measure_speeds, megabytes
    from benchmarks.report import versions
    from benchmarks.setups.contenders import INT8, PREDICT, STUDENT, TEACHER, contenders
    from benchmarks.setups.tasks import TASKS, examples

    torch.set_num_threads(1)
    kind = TASKS[task]
    teachers, students = (
        Path(os.environ.get(f"ALLENNLP_KD_{name}", name.lower()))
        for name in ("TEACHERS", "STUDENTS")
    )
    everyone = contenders(task, teachers, students, options.spacy)
    found = report["tasks"].setdefault(task, {}).setdefault("points", {})
    for each in everyone:
        point = found.setdefault(each.label, {"name": each.name, "family": each.family})
        if each.recorded and each.served != INT8:
            point["score"] = 100 * statistics.mean(each.recorded)
            point["seeds"] = len(each.recorded)
            if len(each.recorded) > 1:
                point["deviation"] = 100 * statistics.stdev(each.recorded)
    there = [each for each in everyone if each.model.exists()]
    if not there:
        return
    gold = examples(kind.path("test"))[: 20 if options.quick else None]
    sentences = [each.words for each in examples(kind.path("dev"))][
        : 20 if options.quick else PER_CALL
    ]
    for name, speed in measure_speeds(kind, there, sentences, options.rounds).items():
        found.setdefault(name, {"name": name, "family": "spaCy"})["words_per_second"] = speed
    for each in there:
        point = found[each.label]
        point["megabytes"] = megabytes(each)
        one_archive = each.family == TEACHER or (each.family == STUDENT and each.served == INT8)
        if one_archive and each.served != PREDICT:
            point["score"], point["seeds"] = 100 * measure_score(kind, each, gold)[0], 1
    # What `allennlp predict` says is what the packaged archive says: `benchmarks equality`.
    packaged = found.get("teacher, packaged", {})
    if "teacher, allennlp predict" in found and "score" in packaged:
        found["teacher, allennlp predict"].update(score=packaged["score"], seeds=1)
    report["tasks"][task].update(
        versions=versions(),
        cores=os.cpu_count(),
        load_average=os.getloadavg(),
        rounds=options.rounds,
        quick=options.quick,
        score=kind.score,
    )


def table(report: Dict[str, Any], task: str) -> str:
    """One row a contender, the slowest first; the ratio is to the same component of `en_core_web_sm`."""
    from benchmarks.measures.serving import SPACY_SMALL

    found = points(report, task)
    base = found.get(SPACY_SMALL, {}).get("words_per_second")

    def number(value: Optional[float], form: str) -> str:
        return "(missing)" if value is None else format(value, form)

    rows = []
    for label, point in sorted(
        found.items(), key=lambda each: each[1].get("words_per_second") or 0
    ):
        speed = point.get("words_per_second")
        deviation = f" ± {point['deviation']:.2f}" if "deviation" in point else ""
        is_base = label == SPACY_SMALL  # trained on other annotation
        rows.append(
            [
                label,
                "(other labels)" if is_base else number(point.get("score"), ".2f") + deviation,
                "" if is_base else str(point.get("seeds", 0)),
                number(speed, ",.0f"),
                f"{speed / base:.2f}" if speed and base else "",
                number(point.get("megabytes"), ".1f") if not is_base else "",
            ]
        )
    score = report["tasks"].get(task, {}).get("score", "score")
    header = ["contender", score, "seeds", "words/s", "over sm", "MB"]
    return format_table(header, rows)


def missing(report: Dict[str, Any], task: str) -> List[str]:
    """What a contender lacks."""
    from benchmarks.measures.serving import SPACY_SMALL

    lines = []
    for label, point in points(report, task).items():
        if label == SPACY_SMALL:
            continue
        lacks = [
            what
            for what, key in (("its score", "score"), ("its speed", "words_per_second"))
            if point.get(key) is None
        ]
        if lacks:
            lines.append(f"{label}: {' and '.join(lacks)}")
    return lines


def to_remove(report: Dict[str, Any], task: str) -> List[str]:
    """The students that are below the line that joins the others, however they are served."""
    whole = [point for point in points(report, task).values() if is_whole(point)]
    names = []
    for name in dict.fromkeys(each["name"] for each in whole if each["family"] == "student"):
        own, others = (
            [
                (each["words_per_second"], each["score"])
                for each in whole
                if (each["name"] == name) == same
            ]
            for same in (True, False)
        )
        if others and all(is_below(point, others) for point in own):
            names.append(name)
    return names
