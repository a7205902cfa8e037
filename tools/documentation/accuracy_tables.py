"""Tables of the grids of `python -m benchmarks accuracy`."""

import json
from typing import Any, Dict, Iterator, List, Tuple

from benchmarks import accuracy, scores, search
from benchmarks.table import format_table
from tools.documentation.records import BENCHMARKS, RESULTS

FROM_TEACHER = "predictions, the teacher's layers"


def accuracies() -> str:
    """A table for each grid that has results, and one for its search."""
    parts = []
    for grid, lines in _grids():
        if lines:
            parts.append(f"**{grid['name']}**")
        if scores.finals(lines):
            parts.append(scores.summary(grid, lines))
        if lines and "search" in grid:
            parts.append(f"The search:\n\n{search.summary(grid, lines)}")
    return "\n\n".join(parts)


def _grids() -> Iterator[Tuple[Dict[str, Any], List[Dict[str, Any]]]]:
    for path in sorted((BENCHMARKS / "grids").glob("*.json")):
        grid = json.loads(path.read_text(encoding="utf-8"))
        yield grid, accuracy.read_lines(RESULTS / f"{path.stem}.jsonl")


def sizes() -> str:
    """The students by size: a row a task, a size and what it is distilled from."""
    header = ["test", "student", "method", "gold", "dev", "test score", "teacher", "seeds"]
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
