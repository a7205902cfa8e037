"""What `benchmarks/results` has recorded, and the tables that many benchmarks share."""

import json
import statistics
from pathlib import Path
from typing import Any, Dict, List

from benchmarks.table import format_table

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
RESULTS = BENCHMARKS / "results"


def read(name: str) -> Dict[str, Any]:
    """The record of a benchmark."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


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
        for condition, found in read(name)["medians"].items()
    ]
    return format_table([heading, *shown], rows)


def targets(name: str) -> str:
    """What was promised of a benchmark, and what it measured, met or not."""
    rows = [
        [
            target["name"],
            number(target["measured"]),
            ("at least " if target["bound_is"] == "least" else "at most ")
            + number(target["bound"]),
            "yes" if target["met"] else "**no**",
        ]
        for target in read(name)["targets"]
    ]
    return format_table(["measure", "measured", "bound", "met"], rows)


def medians(name: str) -> str:
    """All that a benchmark measured, a column a condition."""
    found = read(name)["medians"]
    names = list(dict.fromkeys(key for column in found.values() for key in column))
    rows = [
        [key, *(number(column[key]) if key in column else "" for column in found.values())]
        for key in names
    ]
    return format_table(["", *found], rows)


def conditions(name: str) -> str:
    """On what a benchmark was run."""
    found = read(name)
    load = f"{found['load_average'][1]:.1f}"
    packages = ", ".join(f"{key} {value}" for key, value in found["versions"].items())
    return f"{found['cores']} cores (load {load}), {found['machine']}; {packages}."


def measured(name: str) -> str:
    """The targets of a benchmark and on what it was run."""
    return f"{targets(name)}\n\n{conditions(name)}"


def deviation_of(values: List[float]) -> str:
    """The deviation in points of scores between 0 and 1; empty for one value."""
    return f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else ""


def number(value: float) -> str:
    """A number in three digits, or with all digits before the point."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
