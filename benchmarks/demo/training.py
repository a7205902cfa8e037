"""Runs of `allennlp train` that are kept when finished and resumed when they are not."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, Dict, List

POLL_SECONDS = 0.5


def train(
    config: Path,
    run: Path,
    label: str,
    overrides: Dict[str, Any],
    data: Path,
    metric: str = "accuracy",
) -> None:
    """
    Trains as a user would, with a line for every epoch; what the command itself says goes to a log beside
    the run.

    # Parameters

    config : `Path`
    run : `Path`
        The folder of the run. If it is finished, nothing is done; if it is half done, it is resumed.
    label : `str`
        What the lines begin with.
    overrides : `Dict[str, Any]`
        Of the configuration, with dotted keys.
    data : `Path`
        Becomes `ALLENNLP_KD_DATA`.
    metric : `str`, optional (default = `"accuracy"`)
        What the lines show.

    # Raises

    SystemExit
        If the command fails; the end of its log is printed.
    """
    finished = run / "finished.json"
    if finished.exists():
        print(f"{label}: done before ({run})", flush=True)
        return
    command = [sys.executable, "-m", "allennlp", "train", str(config), "-s", str(run)]
    command += ["--include-package", "allennlp_kd", "-o", json.dumps(overrides)]
    if list(run.glob("model_state_*.th")):
        print(f"{label}: goes on where it stopped", flush=True)
        command.append("--recover")
    else:
        shutil.rmtree(run, ignore_errors=True)
    environment = dict(os.environ, ALLENNLP_KD_DATA=str(data), OMP_NUM_THREADS="1")
    log = run.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    shown = {path.name for path in _epochs(run)}
    started = time.time()
    with open(log, "a", encoding="utf-8") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        try:
            while process.poll() is None:
                time.sleep(POLL_SECONDS)
                _show(run, label, metric, shown, started)
            _show(run, label, metric, shown, started)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode != 0:
        tail = "".join(log.read_text(encoding="utf-8", errors="replace").splitlines(True)[-15:])
        raise SystemExit(
            f"{label}: `allennlp train` failed ({process.returncode}); {log} ends:\n{tail}"
        )
    finished.write_text(json.dumps({"seconds": time.time() - started}), encoding="utf-8")


def seconds_per_epoch(run: Path) -> float:
    """The median over the epochs, validation included."""
    ends: List[float] = []
    for path in _epochs(run):
        clock = json.loads(path.read_text(encoding="utf-8"))["training_duration"]
        hours, minutes, seconds = clock.split(":")
        ends.append(int(hours) * 3600 + int(minutes) * 60 + float(seconds))
    spans = []
    for before, end in zip([0.0] + ends, ends):
        # The clock starts anew in a run that was resumed.
        spans.append(end - before if end > before else end)
    return median(spans)


def _epochs(run: Path) -> List[Path]:
    paths = run.glob("metrics_epoch_*.json")
    return sorted(paths, key=lambda path: int(re.findall(r"\d+", path.name)[-1]))


def _show(run: Path, label: str, metric: str, shown: set, started: float) -> None:
    for path in _epochs(run):
        if path.name in shown:
            continue
        try:
            metrics = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError:  # it is being written
            return
        shown.add(path.name)
        agreement = metrics.get("validation_agreement")
        print(
            f"{label}: epoch {metrics['epoch'] + 1:2d}, dev {metric} "
            f"{100 * metrics[f'validation_{metric}']:.1f} %"
            + (f", agreement {100 * agreement:.1f} %" if agreement is not None else "")
            + f" ({time.time() - started:.0f} s)",
            flush=True,
        )
