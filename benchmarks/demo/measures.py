"""Accuracy, speed and size of the demo's models as they are served."""

import logging
import warnings
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Dict, Iterator, List, Optional, Sequence

from benchmarks.demo.tasks import Task
from benchmarks.setups.contenders import FLOAT, INT8, PREDICT, STUDENT, TEACHER, Contender
from benchmarks.table import format_table

SENTENCES = 200
"""How many sentences of dev are timed."""
ROUNDS = 5


def contenders(runs: Dict[str, Path]) -> List[Contender]:
    """The models in each form in which they are measured; `runs` has `teacher`, `plain` and `distilled`."""
    served = {"teacher": (PREDICT, FLOAT, INT8), "plain": (FLOAT,), "distilled": (FLOAT, INT8)}
    return [
        Contender(
            name, TEACHER if name == "teacher" else STUDENT, form, runs[name] / "model.tar.gz", []
        )
        for name, forms in served.items()
        for form in forms
    ]


def measure(
    task: Task, runs: Dict[str, Path], data: Path, speeds: bool = True
) -> Dict[str, Dict[str, Any]]:
    """
    # Parameters

    task : `Task`
    runs : `Dict[str, Path]`
        The runs of the teacher, of the plain student and of the distilled one.
    data : `Path`
        The folder of the corpora.
    speeds : `bool`, optional (default = `True`)
        Whether speed is measured too.

    # Returns

    `Dict[str, Dict[str, Any]]`
        By label the `score` on test in percent (a parser's without punctuation), `megabytes`,
        `words_per_second` of CPU time with one thread, and the `name` and `family` of the contender.
    """
    import torch

    from benchmarks.measures.served_contenders import measure_score, measure_speeds, megabytes
    from benchmarks.setups.tasks import examples

    torch.set_num_threads(1)
    gold = examples(data / task.measured.files["test"])
    found: Dict[str, Dict[str, Any]] = {}
    with _quiet():
        for each in contenders(runs):
            point: Dict[str, Any] = {"name": each.name, "family": each.family}
            if each.served != PREDICT:
                point["score"] = 100 * measure_score(task.measured, each, gold)[0]
            point["megabytes"] = megabytes(each)
            found[each.label] = point
        # `allennlp predict` predicts what the packaged archive does: `python -m benchmarks equality`.
        found[f"teacher, {PREDICT}"]["score"] = found[f"teacher, {FLOAT}"]["score"]
        if speeds:
            dev = examples(data / task.measured.files["dev"])[:SENTENCES]
            words = [each.words for each in dev]
            timed = measure_speeds(task.measured, contenders(runs), words, ROUNDS)
            for label in found.keys() & timed.keys():
                found[label]["words_per_second"] = timed[label]
    return found


def scores(points: Dict[str, Dict[str, Any]]) -> Dict[str, float]:
    """The scores of teacher, plain and distilled student in 32 bits, as shares."""
    return {
        name: points[f"{name}, {FLOAT}"]["score"] / 100
        for name in ("teacher", "plain", "distilled")
    }


def table(task: Task, points: Dict[str, Dict[str, Any]], seconds: Dict[str, float]) -> str:
    """One row for each form in which a model is served, with the seconds that its training took."""
    base = points[f"teacher, {PREDICT}"]["words_per_second"]
    rows = [
        [
            label,
            f"{point['score']:.2f}",
            f"{point['words_per_second']:,.0f}",
            f"{point['words_per_second'] / base:.0f} x",
            f"{point['megabytes']:.1f}",
            f"{seconds[point['name']]:.0f}",
        ]
        for label, point in points.items()
    ]
    return format_table(
        [task.name, task.measured.score, "words/s", "faster", "MB", "s to train"], rows
    )


def figure(task: Task, points: Dict[str, Dict[str, Any]], width: int = 40) -> str:
    """The frontier as text: the models from the slowest to the fastest, with a bar for the accuracy.

    A bar is empty at the lowest score and full at the highest.
    """
    ordered = sorted(points.items(), key=lambda each: each[1]["words_per_second"])
    found = [point["score"] for _, point in ordered]
    low, high = min(found), max(found)
    longest = max(map(len, points))
    lines = [f"{task.name}: {task.measured.score} on test, by words per second"]
    for label, point in ordered:
        share = (point["score"] - low) / (high - low) if high > low else 1.0
        bar = ("#" * round(share * width)).ljust(width)
        lines.append(
            f"  {point['words_per_second']:>9,.0f}  {label:<{longest}}  |{bar}| {point['score']:.2f}"
        )
    return "\n".join(lines)


@contextmanager
def _quiet() -> Iterator[None]:
    """Shows only the demo's own lines; AllenNLP's logger gets its level back."""
    logger = logging.getLogger("allennlp")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def deviation_of_gap(rounds: Sequence[Dict[str, Any]]) -> Optional[float]:
    """The standard deviation of (teacher - plain) over the recorded seeds; none from fewer than two."""
    gaps = [row["teacher"] - row["plain"] for row in rounds]
    return stdev(gaps) if len(gaps) > 1 else None


def gap_recovered(
    teacher: float, plain: float, distilled: float, deviation: Optional[float]
) -> str:
    """(distilled - plain) / (teacher - plain), or `no gap` where it is within twice the deviation."""
    if deviation is None:
        return "not known: the deviation over seeds has not been measured"
    gap = teacher - plain
    if gap <= 2 * deviation:
        return (
            f"no gap ({100 * gap:.2f} points, within twice the deviation of {100 * deviation:.2f})"
        )
    return f"{100 * (distilled - plain) / gap:.0f} % of {100 * gap:.2f} points"


def summary(rounds: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Means and deviations over seeds, for the record."""
    names = ("teacher", "plain", "distilled")
    return {
        "rounds": list(rounds),
        "mean": {name: mean(row[name] for row in rounds) for name in names},
        "deviation_of_gap": deviation_of_gap(rounds),
    }
