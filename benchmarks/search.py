"""The choice of each method's options on dev, with the same number of trainings for every method.

A grid's `search` is `{"seed", "data", "candidates": {arm: [overrides, ...]}}`: each candidate is trained once,
with a seed and on the portion of the gold that are named there, nothing of the test set is read, and the arm's
runs take the candidate with the best dev score (of equal ones the first). It may have `overrides` of its own,
such as fewer sentences, which are of the search alone.
"""

import json
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from benchmarks.table import format_table


class Trial(NamedTuple):
    """One training of a search."""

    grid: str
    data: str
    arm: str
    seed: int
    candidate: Dict[str, Any]


def trials_of(grid: Dict[str, Any]) -> Iterator[Trial]:
    """All trainings of a grid's search.

    # Raises

    ValueError
        If an arm has another number of candidates than the first, or none.
    """
    if "search" not in grid:
        return
    search = grid["search"]
    counts = {arm: len(search["candidates"].get(arm, [])) for arm in grid["arms"]}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise ValueError(
            f"every arm must have the same number of candidates, at least one, found {counts}"
        )
    for arm in grid["arms"]:
        for candidate in search["candidates"][arm]:
            yield Trial(grid["name"], search["data"], arm, search["seed"], candidate)


def overrides_of(grid: Dict[str, Any], trial: Trial) -> Dict[str, Any]:
    """A trial's overrides of the configuration, without the seed."""
    data, arm = grid["data"][trial.data], grid["arms"][trial.arm]
    own = grid["search"].get("overrides", {})
    return {**grid["overrides"], **data, **arm, **trial.candidate, **own}


def score_of(trial: Trial, lines: List[Dict[str, Any]]) -> Optional[float]:
    """The dev score of a trial that is finished."""
    wanted = trial._asdict()
    for line in lines:
        if "candidate" in line and {name: line[name] for name in wanted} == wanted:
            return line["dev"]
    return None


def best_of(grid: Dict[str, Any], arm: str, lines: List[Dict[str, Any]]) -> Optional[Trial]:
    """The candidate of an arm with the best dev score; none until all are finished."""
    trials = [trial for trial in trials_of(grid) if trial.arm == arm]
    scores = [score_of(trial, lines) for trial in trials]
    if not trials or None in scores:
        return None
    return trials[scores.index(max(scores))]


def with_chosen(grid: Dict[str, Any], lines: List[Dict[str, Any]]) -> Dict[str, Any]:
    """The grid whose arms have what was chosen; the same grid where there is no search."""
    if "search" not in grid:
        return grid
    arms = {}
    for arm, overrides in grid["arms"].items():
        best = best_of(grid, arm, lines)
        if best is None:
            raise ValueError(f"the search of '{arm}' is not finished")
        arms[arm] = {**overrides, **best.candidate}
    return {**grid, "arms": arms}


def summary(grid: Dict[str, Any], lines: List[Dict[str, Any]]) -> str:
    """A row a candidate: its dev score, and which was taken."""
    rows = []
    for trial in trials_of(grid):
        score = score_of(trial, lines)
        rows.append(
            [
                trial.arm,
                json.dumps(trial.candidate).replace('"', "") if trial.candidate else "as is",
                "(empty)" if score is None else f"{100 * score:.2f}",
                "taken" if trial == best_of(grid, trial.arm, lines) else "",
            ]
        )
    return format_table(["method", "candidate", f"dev {grid['metric']}", "choice"], rows)
