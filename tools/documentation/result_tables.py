"""Tables of the documentation, from the files in `benchmarks/results`."""

import json
import statistics
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from benchmarks import accuracy, frontier, scores, search
from benchmarks.demo.measures import gap_recovered
from benchmarks.table import format_table
from tools.documentation.architecture_tables import (
    architecture_counts,
    architectures,
    legacy_archives,
)
from tools.documentation.transcripts import transcript_times, transcripts

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
RESULTS = BENCHMARKS / "results"
FROM_TEACHER = "predictions, the teacher's layers"


def _read(name: str) -> Dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def demo() -> str:
    """What `make demo` comes to over seeds: a row a model."""
    rows = []
    for name, score, file in (
        ("tagger", "accuracy", "demo"),
        ("parser", "LAS", "demo_parser"),
    ):
        record = _read(file)
        mean = record["mean"]
        deviation = {
            kind: _deviation([found[kind] for found in record["rounds"]])
            for kind in ("plain", "distilled")
        }
        rows.append(
            [
                f"{name}, {score}",
                f"{100 * mean['teacher']:.2f}",
                f"{100 * mean['plain']:.2f}{deviation['plain']}",
                f"{100 * mean['distilled']:.2f}{deviation['distilled']}",
                gap_recovered(**mean, deviation=record["deviation_of_gap"]),
                str(len(record["rounds"])),
            ]
        )
    header = ["Turkish treebank, test", "teacher", "plain", "distilled", "gap recovered", "seeds"]
    return format_table(header, rows)


def accuracies() -> str:
    """A table for each grid that has results."""
    parts = []
    for grid, lines in _grids():
        if scores.finals(lines):
            parts.append(f"**{grid['name']}**\n\n{scores.summary(grid, lines)}")
            if "search" in grid:
                parts.append(f"The search:\n\n{search.summary(grid, lines)}")
    return "\n\n".join(parts)


def _grids() -> Iterator[Tuple[Dict[str, Any], List[Dict[str, Any]]]]:
    for path in sorted((BENCHMARKS / "grids").glob("*.json")):
        grid = json.loads(path.read_text(encoding="utf-8"))
        yield grid, accuracy.read_lines(RESULTS / f"{path.stem}.jsonl")


def sizes() -> str:
    """The students by size: a row a task, a size and what it is distilled from."""
    header = ["test", "student", "method", "dev", "test score", "teacher", "seeds"]
    rows = []
    for path in sorted((BENCHMARKS / "grids").glob("*_size*.json")):
        grid = json.loads(path.read_text(encoding="utf-8"))
        rows += scores.size_rows(grid, accuracy.read_lines(RESULTS / f"{path.stem}.jsonl"))
    return format_table(header, rows)


def methods() -> str:
    """Test scores of the method beside the best exact one: a row a grid and portion of the gold."""
    header = [
        "test",
        "student",
        "gold",
        "teacher",
        "plain",
        "`substructured`",
        "`structural`",
        "gap recovered",
    ]
    return format_table(header, _overview())


def _overview() -> List[List[str]]:
    rows = []
    for grid, lines in _grids():
        if "structural" in grid["arms"]:
            rows += scores.overview_rows(grid, lines, ["plain", "predictions", "structural"])
        if FROM_TEACHER in grid["arms"]:
            found = scores.overview_rows(grid, lines, ["plain", FROM_TEACHER])
            for test, student, *cells, gap in found:
                student = student.replace("a transformer", "the teacher")
                rows.append([test, student, *cells, "", gap])
    return sorted(rows, key=lambda row: row[:2])


def goals() -> str:
    """How much of the gap was to be recovered, and how much is: a row a portion of the gold."""
    rows = []
    for portion, gold, goal in (
        ("all", "all", 60),
        ("10 %", "10 %, and the teacher on the rest", 90),
    ):
        found = {
            f"{test}, {student}": share.split(" ")
            for test, student, gold_of_row, *_, share in _overview()
            if gold_of_row == portion
        }
        shares = {name: int(cell[0]) for name, cell in found.items() if cell[-1] == "%"}
        best = max(shares, key=lambda name: shares[name], default=scores.EMPTY)
        met = sum(share >= goal for share in shares.values())
        shown = f"{best}: {shares[best]} %" if shares else best
        rows.append([gold, f"{goal} %", f"{met} of {len(shares)}", shown])
    return format_table(["gold", "goal", "grids that reach it", "the nearest"], rows)


def targets(name: str) -> str:
    """What was promised of a benchmark, and what it measured, met or not."""
    rows = [
        [
            target["name"],
            _number(target["measured"]),
            ("at least " if target["bound_is"] == "least" else "at most ")
            + _number(target["bound"]),
            "yes" if target["met"] else "**no**",
        ]
        for target in _read(name)["targets"]
    ]
    return format_table(["measure", "measured", "bound", "met"], rows)


def costs() -> str:
    """Milliseconds, forward and backward, of the losses of one batch of chains, by number of tags."""
    found = _read("training_step")["medians"]["s, 1 thread"]
    rows = []
    for loss, shown in (
        ("stock NLL", "AllenNLP's likelihood"),
        ("NLL", "likelihood (forward algorithm)"),
        ("NLL, wide scores", "the same, with scores far apart"),
        ("predictions", "`predictions`"),
        ("scores, centred", "`scores`, centered"),
        ("scores, raw", "`scores`, raw"),
        ("scores, emissions", "`scores`, emissions"),
    ):
        rows.append(
            [shown, *(f"{1000 * found[f'{loss}, {tags} tags']:.2f}" for tags in (9, 17, 50))]
        )
    return format_table(["ms, 32 sentences", "9 tags", "17 tags", "50 tags"], rows)


def medians(name: str) -> str:
    """All that a benchmark measured, a column a condition."""
    found = _read(name)["medians"]
    names = list(dict.fromkeys(key for column in found.values() for key in column))
    rows = [
        [key, *(_number(column[key]) if key in column else "" for column in found.values())]
        for key in names
    ]
    return format_table(["", *found], rows)


def conditions(name: str) -> str:
    """On what a benchmark was run."""
    found = _read(name)
    load = f"{found['load_average'][1]:.1f}"
    packages = ", ".join(f"{key} {value}" for key, value in found["versions"].items())
    return f"{found['cores']} cores (load {load}), {found['machine']}; {packages}."


def objectives() -> str:
    """What each objective costs on 32 sentences of 25 words, by tags (chains) or labels (trees)."""
    found = _read("objectives")["medians"]
    parts = []
    for structure, unit, sizes in (
        ("chain", "tags", (9, 17, 50)),
        ("tree", "labels", (10, 25, 50)),
    ):
        columns = [found[f"{structure}, s, {size} {unit}, 25 words"] for size in sizes]
        rows = [
            [name, *(f"{1000 * column[name]:.2f}" for column in columns)] for name in columns[0]
        ]
        header = [f"{structure}s, ms of the processor", *(f"{size} {unit}" for size in sizes)]
        parts.append(format_table(header, rows))
    steps = [row for row in targets("objectives").splitlines() if " words " not in row]
    return "\n\n".join([*parts, "\n".join(steps), conditions("objectives")])


def by_condition(name: str, heading: str, shown: Dict[str, str]) -> str:
    """What a benchmark measured, a row a condition.

    # Parameters

    name : `str`
    heading : `str`
        Of the column of the conditions.
    shown : `Dict[str, str]`
        The measures, in order, each with the format of its numbers. A cell is empty where a measure is 0: nothing
        in the pipeline sets it.
    """
    rows = [
        [
            condition,
            *(f"{found[key]:{how}}" if found.get(key) else "" for key, how in shown.items()),
        ]
        for condition, found in _read(name)["medians"].items()
    ]
    return format_table([heading, *shown], rows)


def raw_text() -> str:
    """From raw text to trees: a row a treebank and pipeline, the targets, and how the models were trained."""
    measures = ("tokens", "sentences", "words", "UPOS", "XPOS", "UAS", "LAS")
    table = by_condition("raw_text", "F1, %", {**dict.fromkeys(measures, ".2f"), "words/s": ",.0f"})
    models = [
        [heading.partition(", ")[0], kind, text]
        for heading, note in _read("raw_text")["notes"].items()
        if heading.endswith(", models")
        for kind, text in note.items()
    ]
    parts = [table, _measured("raw_text")]
    if models:
        parts.insert(1, format_table(["treebank", "model", "how it was trained"], models))
    return "\n\n".join(parts)


def boundaries() -> str:
    """F1 by what a doc is: a row a condition, the targets."""
    names = ("chunking, F1", "named_entities, F1")
    table = by_condition("boundaries", "gold tokens, test", dict.fromkeys(names, ".2f"))
    return f"{table}\n\n{_measured('boundaries')}"


def growth() -> str:
    """Fitted exponents: a row a measure."""
    found = _read("scaling")["medians"]["exponent"]
    rows = [[name, f"{value:.2f}"] for name, value in found.items()]
    return format_table(["seconds (s) or peak memory (bytes)", "exponent"], rows)


def cluster() -> str:
    """Speeds of the commands that go over a corpus, and what a million sentences take."""
    record = _read("scaling")
    columns = [record["medians"][name] for name in ("1 worker", "2 workers")]
    rows = []
    for name in ("kd-score-corpus", "annotate"):
        one, two = (column[f"{name}: sentences/s"] for column in columns)
        rows.append([f"`{name}`", _number(one), _number(two), f"{1e6 / one / 3600:.2f}"])
    header = ["", "sentences/s, 1 worker", "2 workers", "core hours a million sentences"]
    return format_table(header, rows)


def durations() -> str:
    """How long each benchmark took; of a grid, all its runs that are there, one after another."""
    rows = []
    for path in sorted(RESULTS.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        if "benchmark" in found:
            rows.append([f"`{path.stem}`", "", _minutes(found.get("seconds"))])
    for path in sorted((BENCHMARKS / "grids").glob("*.json")):
        lines = accuracy.read_lines(RESULTS / f"{path.stem}.jsonl")
        minutes = _minutes(sum(line["seconds"] for line in lines)) if lines else "(not run)"
        rows.append([f"`accuracy`, `grids/{path.name}`", str(len(lines)), minutes])
    return format_table(["benchmark", "runs", "minutes"], rows)


def _minutes(seconds: Optional[float]) -> str:
    return "(not recorded)" if seconds is None else f"{seconds / 60:.0f}"


def _measured(name: str) -> str:
    return f"{targets(name)}\n\n{conditions(name)}"


def _deviation(values: List[float]) -> str:
    return f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else ""


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def attacks() -> str:
    """Attacks by kind and door: how many were tried, and how many were refused."""
    found = _read("attacks")["attacks"]
    rows = [
        [row["kind"], row["door"], str(row["tried"]), str(row["refused"]), f"{row['slowest']} s"]
        for row in found
    ]
    total = [sum(row[key] for row in found) for key in ("tried", "refused")]
    rows.append(["all", "", *map(str, total), f"{max(row['slowest'] for row in found)} s"])
    return format_table(["Attack", "Door", "Tried", "Refused", "Slowest"], rows)


def frontiers() -> str:
    """The frontier of each task with something measured: its contenders, what is missing, and who is below the line."""
    report = _read("frontier")
    parts = []
    for task in report["tasks"]:
        parts.append(f"{task}\n\n{frontier.table(report, task)}")
        missing = frontier.missing(report, task)
        if missing:
            parts.append("Missing: " + "; ".join(missing) + ".")
        for name in frontier.to_remove(report, task):
            parts.append(f"Below the line between the other models of the frontier: {name}.")
    return "\n\n".join(parts)


def parsers() -> str:
    """The parsers of the frontier that a newcomer compares: the teacher, spaCy's own, and the students in 8 bits."""
    found = frontier.points(_read("frontier"), "parsing")
    shown = {
        "teacher, allennlp predict": "teacher, `allennlp predict`",
        "spaCy, gold": "spaCy's own, trained on the same gold",
        "large, packaged, int8": "`large` student, 8 bits",
        "medium, packaged, int8": "`medium` student, 8 bits",
        "small, packaged, int8": "`small` student, 8 bits",
    }
    slowest = found["teacher, allennlp predict"]["words_per_second"]
    rows = [
        [
            name,
            f"{found[label]['score']:.1f}",
            f"{found[label]['words_per_second']:,.0f}",
            f"{found[label]['words_per_second'] / slowest:,.0f} x",
            f"{found[label]['megabytes']:.0f}",
        ]
        for label, name in shown.items()
    ]
    return format_table(["parser, EWT test", "LAS", "words/s, one core", "faster", "MB"], rows)


def headline() -> str:
    """What the smallest parser in 8 bits keeps of its teacher's accuracy, its speed and its size, in a sentence."""
    found = frontier.points(_read("frontier"), "parsing")
    teacher, student = found["teacher, allennlp predict"], found["small, packaged, int8"]
    kept = student["score"] / teacher["score"]
    faster = student["words_per_second"] / teacher["words_per_second"]
    return (
        f"On English web text (UD EWT), the `small` parser keeps **{100 * kept:.0f} %** of its teacher's LAS "
        f"({student['score']:.1f} of {teacher['score']:.1f}), is **{faster:,.0f} times as fast** as\n"
        f"`allennlp predict` of the teacher on one CPU core, and takes **{student['megabytes']:.0f} MB**."
    )


def gpu() -> str:
    """What the benchmark of a CUDA device found, and on which device."""
    record = _read("gpu")
    quick = ", `--quick`: tiny networks" if record["quick"] else ""
    return f"{_measured('gpu')}\n\nDevice: {record['device']}{quick}."


TABLES: Dict[str, Callable[[], str]] = {
    "frontier": frontiers,
    "headline": headline,
    "parsers": parsers,
    "gpu": gpu,
    "attacks": attacks,
    "demo": demo,
    "accuracy": accuracies,
    "methods": methods,
    "sizes": sizes,
    "goals": goals,
    "costs": costs,
    "training_step": lambda: _measured("training_step"),
    "objectives": objectives,
    "decoding": lambda: _measured("decoding"),
    "decoders": lambda: f"{medians('decoders')}\n\n{conditions('decoders')}",
    "equality": lambda: f"{medians('equality')}\n\n{conditions('equality')}",
    "inference": lambda: "\n\n".join([medians("inference"), _measured("inference")]),
    "profile": lambda: f"{medians('profile')}\n\n{conditions('profile')}",
    "raw_text": raw_text,
    "boundaries": boundaries,
    "cluster": cluster,
    "architectures": lambda: architectures(_read("architectures")),
    "legacy_archives": lambda: legacy_archives(_read("architectures")),
    "architecture_counts": lambda: architecture_counts(_read("architectures")),
    "scaling": lambda: "\n\n".join([growth(), _measured("scaling")]),
    "kills": lambda: _measured("kills"),
    "durations": durations,
    "transcript_times": lambda: transcript_times(_read("transcripts")),
    "transcripts": lambda: transcripts(_read("transcripts")),
}
