"""Accuracy of the methods side by side: a grid of trainings from a file, one JSON line per run.

`python -m benchmarks accuracy --grid benchmarks/grids/chunking.json --output runs.jsonl` trains what is not
yet in `runs.jsonl`, so it can be stopped and started again; `--table` prints what is there and trains nothing.
Where the grid has a `search`, each arm's candidates are trained first and the best on dev is taken: `search.py`.
The overrides of an arm may name a `config` of its own. `--jobs` trains several runs at once, `--cuda-device` on a
GPU; `--archives` keeps the students.
"""

import argparse
import json
import logging
import os
import re
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from benchmarks import search
from benchmarks.processes import run_all
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


class Training(NamedTuple):
    """How runs are trained.

    # Parameters

    threads : `int`
    jobs : `int`, optional (default = `1`)
        How many runs to train at once, each in a process.
    cuda_device : `int`, optional (default = `-1`)
        AllenNLP's number of the GPU, -1 for the CPU.
    archives : `Path`, optional
        The folder to keep the archives of final runs in.
    """

    threads: int
    jobs: int = 1
    cuda_device: int = -1
    archives: Optional[Path] = None


def train(
    config: str,
    overrides: Dict[str, Any],
    metric: str,
    also: Tuple[str, ...] = (),
    test: bool = True,
    cuda_device: int = -1,
    archive: Optional[Path] = None,
) -> Dict[str, Any]:
    """Trains one student as `allennlp train` does; returns its dev and test scores and their cost.

    Beside the metric, those of `also`, and what it gets right of each test sentence. Without `test`,
    nothing of the test set is read. `archive` is where to keep the student.
    """
    from allennlp.commands.train import train_model
    from allennlp.common import Params

    from benchmarks.measures.packed_counts import packed
    from benchmarks.measures.sentence_counts import sentence_counts

    overrides = {**overrides, "trainer.cuda_device": cuda_device}
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
        if archive is not None:
            archive.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run_folder / "model.tar.gz", archive)
        if not test:
            return found
        counts = sentence_counts(run_folder / "model.tar.gz", test_data, cuda_device)
    return {
        **found,
        "test": metrics[f"test_{metric}"],
        **{f"test {name}": metrics[f"test_{name}"] for name in also},
        "counts": packed(counts),
    }


def train_all(grid: Dict[str, Any], output: Path, training: Training, quick: bool = False) -> None:
    """Trains what is not in the file yet, first what the search asks for; adds a line a run.

    # Raises

    ValueError
        If the file has a run of the grid that was trained with other overrides.
    """
    trials = [
        partial(_trial, grid, trial, output, training)
        for trial in search.trials_of(grid)
        if search.score_of(trial, read_lines(output)) is None
    ]
    if quick and trials:
        trials[0]()
        return
    run_all(trials, training.jobs)
    chosen = search.with_chosen(grid, read_lines(output))
    finished = {
        Run(*(line[name] for name in Run._fields)): line for line in finals(read_lines(output))
    }
    runs: List[Callable[[], None]] = []
    for run, overrides in runs_of(chosen):
        if run not in finished:
            runs.append(partial(_final, grid, run, overrides, output, training))
        elif finished[run].get("overrides", overrides) != overrides:
            raise ValueError(
                f"{output} has {run} with other overrides than the grid: "
                f"{finished[run]['overrides']}, not {overrides}; remove its line to train it again"
            )
    run_all(runs[:1] if quick else runs, training.jobs)


def archive_name(run: Run) -> str:
    """The name of the file that keeps a run's student."""
    words = re.findall(r"\w+", f"{run.grid} {run.data} {run.arm} {run.seed}")
    return "-".join(words) + ".tar.gz"


def _trial(grid: Dict[str, Any], trial: search.Trial, output: Path, training: Training) -> None:
    overrides = {**search.overrides_of(grid, trial), **seeded(trial.seed)}
    _finish(trial._asdict(), _trained(grid, overrides, training, test=False), output, training)


def _final(
    grid: Dict[str, Any], run: Run, overrides: Dict[str, Any], output: Path, training: Training
) -> None:
    archive = training.archives and training.archives / archive_name(run)
    found = _trained(grid, overrides, training, archive=archive)
    _finish({**run._asdict(), "overrides": overrides}, found, output, training)


def _trained(
    grid: Dict[str, Any], overrides: Dict[str, Any], training: Training, **options: Any
) -> Dict[str, Any]:
    import torch
    from allennlp.common.util import import_module_and_submodules

    torch.set_num_threads(training.threads)
    for package in (
        "allennlp_kd",
        "allennlp_models.tagging",
        "allennlp_models.structured_prediction",
    ):
        import_module_and_submodules(package)
    config = overrides.get("config", grid["config"])
    overrides = {name: value for name, value in overrides.items() if name != "config"}
    also = tuple(grid.get("also", ()))
    device = training.cuda_device
    return train(config, overrides, grid["metric"], also, cuda_device=device, **options)


def _finish(what: Dict[str, Any], result: Dict[str, Any], output: Path, training: Training) -> None:
    import torch

    line = {**what, **result, "torch": torch.__version__, "threads": training.threads}
    if training.cuda_device >= 0:
        line["device"] = torch.cuda.get_device_name(training.cuda_device)
    # One write, so that lines of processes that finish together stay whole.
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(file, (json.dumps(line) + "\n").encode("utf8"))
    finally:
        os.close(file)
    logger.info("finished %s", line)


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
    parser.add_argument("--jobs", type=int, default=1, help="how many runs to train at once")
    parser.add_argument("--cuda-device", type=int, default=-1, help="the GPU; -1 is the CPU")
    parser.add_argument("--archives", type=Path, help="the folder to keep the students in")
    options = parser.parse_args(arguments)

    grid = json.loads(options.grid.read_text(encoding="utf8"))
    if not options.table:
        training = Training(options.threads, options.jobs, options.cuda_device, options.archives)
        train_all(grid, options.output, training, options.quick)
    lines = read_lines(options.output)
    print(summary(grid, lines))
    if "search" in grid:
        print()
        print(search.summary(grid, lines))
