"""Tables of the documentation, from the files in `benchmarks/results`."""

import json
from typing import Callable, Dict, Optional

from benchmarks import accuracy
from benchmarks.demo.measures import gap_recovered
from benchmarks.table import format_table
from tools.documentation.accuracy_tables import accuracies, goals, methods, sizes
from tools.documentation.architecture_tables import (
    architecture_counts,
    architectures,
    legacy_archives,
)
from tools.documentation.frontier_tables import frontiers, headline, out_of_domain, parsers
from tools.documentation.records import (
    BENCHMARKS,
    RESULTS,
    by_condition,
    conditions,
    deviation_of,
    measured,
    medians,
    number,
    read,
    targets,
)
from tools.documentation.transcripts import transcript_times, transcripts


def demo() -> str:
    """What `make demo` comes to over seeds: a row a model."""
    rows = []
    for name, score, file in (
        ("tagger", "accuracy", "demo"),
        ("parser", "LAS", "demo_parser"),
    ):
        record = read(file)
        mean = record["mean"]
        deviation = {
            kind: deviation_of([found[kind] for found in record["rounds"]])
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
    header = [
        "demo (Turkish treebank), test",
        "teacher",
        "plain",
        "distilled",
        "gap recovered",
        "seeds",
    ]
    return format_table(header, rows)


def costs() -> str:
    """Milliseconds, forward and backward, of the losses of one batch of chains, by number of tags."""
    found = read("training_step")["medians"]["s, 1 thread"]
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


def objectives() -> str:
    """What each objective costs on 32 sentences of 25 words, by tags (chains) or labels (trees)."""
    found = read("objectives")["medians"]
    parts = []
    for structure, unit, counts in (
        ("chain", "tags", (9, 17, 50)),
        ("tree", "labels", (10, 25, 50)),
    ):
        columns = [found[f"{structure}, s, {size} {unit}, 25 words"] for size in counts]
        rows = [
            [name, *(f"{1000 * column[name]:.2f}" for column in columns)] for name in columns[0]
        ]
        header = [f"{structure}s, ms of the processor", *(f"{size} {unit}" for size in counts)]
        parts.append(format_table(header, rows))
    steps = [row for row in targets("objectives").splitlines() if " words " not in row]
    return "\n\n".join([*parts, "\n".join(steps), conditions("objectives")])


def raw_text() -> str:
    """From raw text to trees: a row a treebank and pipeline, the targets, and how the models were trained."""
    measures = ("tokens", "sentences", "words", "UPOS", "XPOS", "UAS", "LAS")
    table = by_condition("raw_text", "F1, %", {**dict.fromkeys(measures, ".2f"), "words/s": ",.0f"})
    models = [
        [heading.partition(", ")[0], kind, text]
        for heading, note in read("raw_text")["notes"].items()
        if heading.endswith(", models")
        for kind, text in note.items()
    ]
    parts = [table, measured("raw_text")]
    if models:
        parts.insert(1, format_table(["treebank", "model", "how it was trained"], models))
    return "\n\n".join(parts)


def boundaries() -> str:
    """F1 by what a doc is: a row a condition, the targets."""
    names = ("chunking, F1", "named_entities, F1")
    table = by_condition("boundaries", "gold tokens, test", dict.fromkeys(names, ".2f"))
    return f"{table}\n\n{measured('boundaries')}"


def growth() -> str:
    """Fitted exponents: a row a measure."""
    found = read("scaling")["medians"]["exponent"]
    rows = [[name, f"{value:.2f}"] for name, value in found.items()]
    return format_table(["seconds (s) or peak memory (bytes)", "exponent"], rows)


def cluster() -> str:
    """Speeds of the commands that go over a corpus, and what a million sentences take."""
    record = read("scaling")
    columns = [record["medians"][name] for name in ("1 worker", "2 workers")]
    rows = []
    for name in ("kd-score-corpus", "annotate"):
        one, two = (column[f"{name}: sentences/s"] for column in columns)
        rows.append([f"`{name}`", number(one), number(two), f"{1e6 / one / 3600:.2f}"])
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


def attacks() -> str:
    """Attacks by kind and door: how many were tried, and how many were refused."""
    found = read("attacks")["attacks"]
    rows = [
        [row["kind"], row["door"], str(row["tried"]), str(row["refused"]), f"{row['slowest']} s"]
        for row in found
    ]
    total = [sum(row[key] for row in found) for key in ("tried", "refused")]
    rows.append(["all", "", *map(str, total), f"{max(row['slowest'] for row in found)} s"])
    return format_table(["Attack", "Door", "Tried", "Refused", "Slowest"], rows)


def gpu() -> str:
    """What the benchmark of a CUDA device found, and on which device: steps, scoring, the targets."""
    record = read("gpu")
    found = record["medians"]
    of_steps = [
        f"{unit}, {precision}"
        for precision in ("float32", "bfloat16 autocast")
        for unit in ("ms", "MB")
    ]
    steps = [
        [name, *(f"{found[column][name]:.0f}" for column in of_steps)]
        for name in found[of_steps[0]]
    ]
    of_scoring = ["words/s into a store", "MB, scoring"]
    scoring = [
        [
            record["notes"][f"{kind}: teacher that scores"],
            *(number(found[c][kind]) for c in of_scoring),
        ]
        for kind in found[of_scoring[0]]
    ]
    tables = [
        format_table(["a training step", *of_steps], steps),
        format_table(["teacher", *of_scoring], scoring),
    ]
    quick = ", `--quick`: tiny networks" if record["quick"] else ""
    device = f"Device: {record['device']}{quick}."
    return "\n\n".join([*tables, measured("gpu"), device])


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
    "training_step": lambda: measured("training_step"),
    "objectives": objectives,
    "decoding": lambda: measured("decoding"),
    "decoders": lambda: f"{medians('decoders')}\n\n{conditions('decoders')}",
    "equality": lambda: f"{medians('equality')}\n\n{conditions('equality')}",
    "inference": lambda: "\n\n".join([medians("inference"), measured("inference")]),
    "profile": lambda: f"{medians('profile')}\n\n{conditions('profile')}",
    "raw_text": raw_text,
    "boundaries": boundaries,
    "out_of_domain": out_of_domain,
    "cluster": cluster,
    "architectures": lambda: architectures(read("architectures")),
    "legacy_archives": lambda: legacy_archives(read("architectures")),
    "architecture_counts": lambda: architecture_counts(read("architectures")),
    "scaling": lambda: "\n\n".join([growth(), measured("scaling")]),
    "kills": lambda: measured("kills"),
    "durations": durations,
    "transcript_times": lambda: transcript_times(read("transcripts")),
    "transcripts": lambda: transcripts(read("transcripts")),
}
