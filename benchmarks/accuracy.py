"""Accuracy of the methods side by side: a grid of trainings from a file, one JSON line per run.

`python -m benchmarks accuracy --grid benchmarks/grids/chunking.json --output runs.jsonl` trains what is not
yet in `runs.jsonl`, so it can be stopped and started again; `--table` prints what is there and trains nothing.
Where the grid has a `search`, each arm's candidates are trained first and the best on dev is taken: `search.py`.
The overrides of an arm may name a `config` of its own.
"""

import argparse
import json
import logging
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from benchmarks import search
from benchmarks.scores import finals, summary

logger = logging.getLogger(__name__)


class Run(NamedTuple):
    """One training: an arm (method) on one portion of the gold, with one seed."""

    grid: str
    data: str
    arm: str
    seed: int


def runs_of(grid: Dict[str, Any]) -> Iterator[Tuple[Run, Dict[str, Any]]]:
    """Every run of a grid with its overrides of the grid's configuration, seeds outermost."""
    for seed in grid["seeds"]:
        for data, data_overrides in grid["data"].items():
            for arm, arm_overrides in grid["arms"].items():
                overrides = {**grid["overrides"], **data_overrides, **arm_overrides}
                yield Run(grid["name"], data, arm, seed), {**overrides, **seeded(seed)}


def seeded(seed: int) -> Dict[str, int]:
    """The overrides that give a run its seed."""
    return {"random_seed": seed, "numpy_seed": seed, "pytorch_seed": seed}


def read_lines(path: Path) -> List[Dict[str, Any]]:
    """The finished runs in a file of JSON lines; none where there is no file yet."""
    if not path.exists():
        return []
    return [
        json.loads(line) for line in path.read_text(encoding="utf8").splitlines() if line.strip()
    ]


def train(
    config: str,
    overrides: Dict[str, Any],
    metric: str,
    also: Tuple[str, ...] = (),
    test: bool = True,
) -> Dict[str, Any]:
    """Trains one student as `allennlp train` does; its dev and test scores and what they cost.

    Beside the metric, those of `also`; and what it gets right of each test sentence. Without `test`
    nothing of the test set is read.
    """
    from allennlp.commands.train import train_model
    from allennlp.common import Params

    from benchmarks.measures.packed_counts import packed
    from benchmarks.measures.sentence_counts import sentence_counts

    params = Params.from_file(config, json.dumps(overrides))
    test_data = params["test_data_path"]
    if not test:
        params["evaluate_on_test"] = False
        params.pop("test_data_path")
    with tempfile.TemporaryDirectory() as directory:
        run_folder = Path(directory) / "run"
        started = time.perf_counter()
        train_model(params, run_folder, file_friendly_logging=True)
        seconds = time.perf_counter() - started
        metrics = json.loads((run_folder / "metrics.json").read_text())
        found = {
            "dev": metrics[f"best_validation_{metric}"],
            **{f"dev {name}": metrics[f"best_validation_{name}"] for name in also},
            "best_epoch": metrics["best_epoch"],
            "epochs": metrics["epoch"] + 1,
            "seconds": seconds,
        }
        if not test:
            return found
        counts = sentence_counts(run_folder / "model.tar.gz", test_data)
    return {
        **found,
        "test": metrics[f"test_{metric}"],
        **{f"test {name}": metrics[f"test_{name}"] for name in also},
        "counts": packed(counts),
    }


def train_all(grid: Dict[str, Any], output: Path, threads: int, quick: bool) -> None:
    """Trains what is not in the file yet, first what the search asks for; adds a line a run."""
    import torch

    also = tuple(grid.get("also", ()))

    def finish(what: Dict[str, Any], result: Dict[str, Any]) -> None:
        line = {**what, **result, "torch": torch.__version__, "threads": threads}
        with open(output, "a", encoding="utf8") as lines:
            lines.write(json.dumps(line) + "\n")
        logger.info("finished %s", line)

    def trained(overrides: Dict[str, Any], test: bool = True) -> Dict[str, Any]:
        config = overrides.pop("config", grid["config"])
        return train(config, overrides, grid["metric"], also, test)

    for trial in search.trials_of(grid):
        if search.score_of(trial, read_lines(output)) is not None:
            continue
        overrides = {**search.overrides_of(grid, trial), **seeded(trial.seed)}
        finish(trial._asdict(), trained(overrides, test=False))
        if quick:
            return
    chosen = search.with_chosen(grid, read_lines(output))
    for run, overrides in runs_of(chosen):
        lines = finals(read_lines(output))
        if run in {Run(*(line[name] for name in Run._fields)) for line in lines}:
            continue
        finish(run._asdict(), trained(overrides))
        if quick:
            return


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks accuracy`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks accuracy", description=__doc__)
    parser.add_argument("--grid", type=Path, required=True, help="a JSON file in benchmarks/grids")
    parser.add_argument(
        "--output", type=Path, required=True, help="the JSON lines, one a finished run"
    )
    parser.add_argument(
        "--table", action="store_true", help="print the table of what is there, train nothing"
    )
    parser.add_argument("--quick", action="store_true", help="only the first run that is missing")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)

    grid = json.loads(options.grid.read_text(encoding="utf8"))
    if not options.table:
        import torch
        from allennlp.common.util import import_module_and_submodules

        torch.set_num_threads(options.threads)
        import_module_and_submodules("allennlp_kd")
        import_module_and_submodules("allennlp_models.tagging")
        import_module_and_submodules("allennlp_models.structured_prediction")
        train_all(grid, options.output, options.threads, options.quick)
    lines = read_lines(options.output)
    print(summary(grid, lines))
    if "search" in grid:
        print()
        print(search.summary(grid, lines))
