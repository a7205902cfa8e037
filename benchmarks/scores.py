"""Tables of a grid's finished runs: one of all methods, and a row a portion of the gold for an overview."""

import statistics
from typing import Any, Dict, List, Optional

from benchmarks.measures.packed_counts import unpacked
from benchmarks.significance import p_value
from benchmarks.table import format_table

Line = Dict[str, Any]
EMPTY = "(empty)"


def finals(lines: List[Line]) -> List[Line]:
    """The lines of runs that count, without those of a search."""
    return [line for line in lines if "candidate" not in line]


def summary(grid: Dict[str, Any], lines: List[Line]) -> str:
    """A row an arm and data condition: mean and deviation over seeds, and the number of seeds behind them.

    `p` is how often chance alone parts a method's test scores from those of the grid's `reference` at least
    as far as they are, over the seeds that both have. `gap` is `gap_recovered`.
    """
    also, reference = grid.get("also", []), grid.get("reference", "plain")
    rows = []
    for data in grid["data"]:
        plain, referred = (_cell(grid, lines, data, arm) for arm in ("plain", reference))
        for arm in grid["arms"]:
            found = _cell(grid, lines, data, arm)
            names = [("dev", "test"), *((f"dev {name}", f"test {name}") for name in also)]
            cells = [_score(found, name) for pair in names for name in pair]
            p = _p_of(found, referred) if arm != reference else ""
            gap = gap_recovered(found, plain, grid.get("teacher")) if arm != "plain" else ""
            rows.append([data, arm, *cells, gap, p, str(len(found))])
    names = [grid["metric"], *also]
    header = [f"{split} {name}" for name in names for split in ("dev", "test")]
    return format_table(["gold", "method", *header, "gap", f"p ({reference})", "seeds"], rows)


def overview_rows(grid: Dict[str, Any], lines: List[Line], arms: List[str]) -> List[List[str]]:
    """Of each portion of the gold: the grid's `test` set and `student`, the portion, the test scores of the teacher
    and of each arm, and the share of the gap that the second arm recovers over the first. No row where no arm has a
    finished run."""
    rows = []
    for data in grid["data"]:
        cells = [_cell(grid, lines, data, arm) for arm in arms]
        if any(cells):
            rows.append(
                [
                    grid.get("test", grid["name"]),
                    grid.get("student", "BiLSTM"),
                    data,
                    f"{100 * grid['teacher']:.2f}",
                    *(_score(cell, "test", seeds=len(grid["seeds"])) for cell in cells),
                    gap_recovered(cells[1], cells[0], grid["teacher"]),
                ]
            )
    return rows


def size_rows(grid: Dict[str, Any], lines: List[Line]) -> List[List[str]]:
    """Returns a row for each student of a grid with finished runs: test set, student, method, portion of the gold, the
    dev and test scores, the teacher's test score, and the number of seeds."""
    rows = []
    for arm in grid["arms"]:
        for data in grid["data"]:
            cell = _cell(grid, lines, data, arm)
            if cell:
                scores = [_score(cell, name) for name in ("dev", "test")]
                teacher = f"{100 * grid['teacher']:.2f}" if "teacher" in grid else EMPTY
                names = [grid["test"], grid["student"], arm, data]
                rows.append([*names, *scores, teacher, str(len(cell))])
    return rows


def gap_recovered(ours: List[Line], plain: List[Line], teacher: Optional[float]) -> str:
    """The share of the gap between the plain student's and the teacher's test score that is recovered, where
    the gap is more than twice its deviation over the seeds that both have."""
    sides = [{line["seed"]: line["test"] for line in side} for side in (ours, plain)]
    seeds = sorted(set(sides[0]) & set(sides[1]))
    if teacher is None or not seeds:
        return EMPTY
    gaps = [teacher - sides[1][seed] for seed in seeds]
    if len(seeds) < 2:
        return "(one seed)"
    if statistics.mean(gaps) <= 2 * statistics.stdev(gaps):
        return "no gap"
    gained = statistics.mean(sides[0][seed] - sides[1][seed] for seed in seeds)
    return f"{100 * gained / statistics.mean(gaps):.0f} %"


def _cell(grid: Dict[str, Any], lines: List[Line], data: str, arm: str) -> List[Line]:
    wanted = (grid["name"], data, arm)
    return [line for line in finals(lines) if (line["grid"], line["data"], line["arm"]) == wanted]


def _p_of(ours: List[Line], theirs: List[Line]) -> str:
    sides = [
        {line["seed"]: line["counts"] for line in side if "counts" in line}
        for side in (ours, theirs)
    ]
    seeds = sorted(set(sides[0]) & set(sides[1]))
    if not seeds:
        return EMPTY
    return f"{p_value(*([unpacked(side[seed]) for seed in seeds] for side in sides)):.4f}"


def _score(cell: List[Line], name: str, seeds: Optional[int] = None) -> str:
    """Mean and deviation in points; with `seeds`, how many of them are behind it, if not all."""
    if not cell:
        return EMPTY
    values = [line[name] for line in cell]
    deviation = f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else ""
    missing = f" ({len(values)} of {seeds} seeds)" if seeds and len(values) < seeds else ""
    return f"{100 * statistics.mean(values):.2f}{deviation}{missing}"
