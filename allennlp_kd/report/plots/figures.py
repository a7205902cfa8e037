"""Makes the plots of a report from its numbers."""

import re
from collections import Counter
from itertools import chain
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from allennlp_kd.report.numbers.curves import PART, part_names
from allennlp_kd.report.plots.plot_style import Plot, saved, short, styled
from allennlp_kd.report.plots.plots import Series, dots, heat, lines, reliability, scatter

MOST_LABELS = 14
MOST_IN_HEAT = 12
OTHERS = "others"
NAMES = {
    "f1": "F1",
    "accuracy": "accuracy",
    "LAS": "LAS",
    "LAS-all-words-subtypes": "LAS, all words",
}


def figures(report: Dict[str, Any]) -> List[Plot]:
    """
    # Parameters

    report : `Dict[str, Any]`
        As `compare` returns it.
    """
    with styled():
        return list(_figures(report))


def _figures(report: Dict[str, Any]) -> Iterator[Plot]:
    models = report["models"]
    yield from _by_label(report, models)
    if report["structure"] == "tree":
        yield _by_distance(models)
    for place, model in enumerate(models[1:], start=1):
        labels, counts = heat_map(model["agreement"]["confusion"])
        if not labels:  # the student does not know the teacher's labels
            continue
        yield saved(
            heat(labels, counts),
            f"deviation-{place}",
            f"Confusion matrix of teacher and {model['name']}",
            "Rows are the teacher's labels, columns those of "
            f"{model['name']}, in percent of the row's words. Blue: the same label. Orange: another.",
        )
    yield _reliability(models)
    yield saved(
        scatter(
            [
                Series(m["name"], i, (m["words_per_second"], 100 * m["scores"][report["metric"]]))
                for i, m in enumerate(models)
                if m["words_per_second"] is not None
            ],
            "words/s",
            NAMES[report["metric"]],
        ),
        "speed",
        "Score and speed",
        "Up is better, right is faster. The scale of speed is logarithmic.",
    )
    yield from _curves(models)


def _by_label(report: Dict[str, Any], models: Sequence[Dict[str, Any]]) -> Iterator[Plot]:
    """Returns `None` if the file has no spans."""
    measure = "LAS" if report["structure"] == "tree" else "f1"
    rows = [row["label"] for row in models[0]["by_label"] if row["gold"]][:MOST_LABELS]
    if not rows:
        return
    series = []
    for place, model in enumerate(models):
        found = {row["label"]: 100 * row[measure] for row in model["by_label"]}
        series.append(Series(model["name"], place, [found.get(row) for row in rows]))
    what = "type of span" if report["encoding"] else "label"
    yield saved(
        dots(rows, series, NAMES[measure]),
        "labels",
        f"{NAMES[measure]} by {what}",
        f"The {len(rows)} most frequent, in order.",
    )


def _by_distance(models: Sequence[Dict[str, Any]]) -> Plot:
    places = [row["distance"] for row in models[0]["by_distance"]]
    series = [
        Series(model["name"], place, [100 * row["LAS"] for row in model["by_distance"]])
        for place, model in enumerate(models)
    ]
    return saved(
        lines(places, series, "words to the head", "LAS"),
        "distances",
        "LAS by distance to the head",
        "All words, with punctuation, by the length of the gold arc.",
    )


def heat_map(confusion: Sequence[Dict[str, Any]]) -> Tuple[List[str], List[List[int]]]:
    """The labels with the most disagreements, and the rest as one.

    # Parameters

    confusion : `Sequence[Dict[str, Any]]`
        As `agreement` returns it.

    # Returns

    `Tuple[List[str], List[List[int]]]`
        The labels, and the counts by teacher and student. The teacher's `others` that are the
        student's `others` may be other labels of these.
    """
    involved: Counter = Counter()
    for row in confusion:
        for side in ("teacher", "student"):
            involved[row[side]] += row["words"] if row["teacher"] != row["student"] else 0
    order = sorted(involved, key=lambda label: (-involved[label], label))
    labels = order[:MOST_IN_HEAT]
    if len(order) > MOST_IN_HEAT:
        labels.append(OTHERS)
    places = {label: min(place, MOST_IN_HEAT) for place, label in enumerate(order)}
    counts = [[0] * len(labels) for _ in labels]
    for row in confusion:
        counts[places[row["teacher"]]][places[row["student"]]] += row["words"]
    return labels, counts


def _reliability(models: Sequence[Dict[str, Any]]) -> Plot:
    sure = [(i, model) for i, model in enumerate(models) if model["calibration"] is not None]
    series = [
        Series(f"{short(m['name'], 12)}: ECE {100 * m['calibration']['ece']:.1f} %", i, ())
        for i, m in sure
    ]
    return saved(
        reliability(series, [model["calibration"]["bins"] for _, model in sure]),
        "calibration",
        "Reliability",
        "Accuracy by confidence. A model is underconfident above the diagonal and overconfident "
        "below it. Dots grow with the number of words.",
    )


def _curves(models: Sequence[Dict[str, Any]]) -> Iterator[Plot]:
    runs = [(place, model, model["curves"]) for place, model in enumerate(models)]
    runs = [run for run in runs if run[2] is not None]
    if not runs:
        return
    distilled = [run for run in runs if "training_distillation_loss" in run[2]["series"]]
    epochs = list(range(1, max(epoch for _, _, found in runs for epoch in found["epochs"]) + 1))

    def plot(name: str, title: str, ylabel: str, series: List[Series], caption: str = "") -> Plot:
        return saved(lines(epochs, series, "epoch", ylabel), name, title, caption)

    for metric in sorted({found["metric"] for _, _, found in runs if found["metric"]}):
        series = _series(
            [r for r in runs if r[2]["metric"] == metric], f"validation_{metric}", epochs
        )
        if series:
            name = re.sub(r"[^\w.-]+", "-", metric)  # not allowed in a file name
            yield plot(f"curve-validation-{name}", f"Validation, {metric}", metric, series)
    terms = [("gold_loss", "gold_loss", "Gold loss")]
    terms.append(("distillation_loss", "distillation_loss", "Distillation loss"))
    # One plot for each part, because their sizes differ; numbered, because their names may be
    # anything.
    for number, part in enumerate(part_names(chain(*(r[2]["series"] for r in distilled))), start=1):
        terms.append((f"distillation_loss-{number}", PART + part, f"Distillation loss: {part}"))
    for name, term, title in terms:
        series = _series(distilled, f"training_{term}", epochs)
        dashed = _series(distilled, f"validation_{term}", epochs, dashed=True)
        if series or dashed:
            caption = "Per word, before weighting. Solid lines: training. Dashed: validation."
            yield plot(f"curve-{name}", title, "loss per word", series + dashed, caption)
    for name, title in (
        ("alpha", "Weight of the distillation term"),
        ("temperature", "Temperature"),
    ):
        series = _series(distilled, f"training_{name}", epochs)
        if series:
            yield plot(f"curve-{name}", title, name, series, "As scheduled.")


def _series(
    runs: Sequence[Tuple[int, Dict[str, Any], Dict[str, Any]]],
    name: str,
    epochs: Sequence[int],
    dashed: bool = False,
) -> List[Series]:
    found = []
    for place, model, recorded in runs:
        if name in recorded["series"]:
            values = dict(zip(recorded["epochs"], recorded["series"][name]))
            label = f"{model['name']}, dev" if dashed else model["name"]
            found.append(Series(label, place, [values.get(epoch) for epoch in epochs], dashed))
    return found
