"""Runs of `allennlp train`, several at once, that are kept when finished and resumed when they are not."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

POLL_SECONDS = 0.5
FINISHED = "finished.json"


class Training(NamedTuple):
    """One run of `allennlp train`.

    # Parameters

    config : `Path`
    run : `Path`
        The folder of the run. A finished run is kept; an interrupted one is resumed.
    label : `str`
        What its lines begin with.
    metric : `str`
        What its lines show.
    overrides : `Dict[str, Any]`
        Of the configuration, with dotted keys.
    teacher : `Path`, optional
        The run that must have finished before.
    finish : `Callable[[Path], object]`, optional
        Called with the archive when the training ends.
    """

    config: Path
    run: Path
    label: str
    metric: str
    overrides: Dict[str, Any] = {}
    teacher: Optional[Path] = None
    finish: Optional[Callable[[Path], object]] = None

    @property
    def seconds(self) -> Optional[float]:
        """How long the finished run took; `None` if it has not finished."""
        path = self.run / FINISHED
        return json.loads(path.read_text(encoding="utf-8"))["seconds"] if path.exists() else None

    @property
    def is_ready(self) -> bool:
        """Whether its teacher has been trained."""
        return self.teacher is None or (self.teacher / FINISHED).exists()


def train_all(trainings: Sequence[Training], data: Path, jobs: int) -> None:
    """
    Trains as a user would, with a line for every epoch. The output of `allennlp train` goes to a log beside
    each run.

    # Parameters

    trainings : `Sequence[Training]`
        In the order in which they start; a student waits for its teacher.
    data : `Path`
        Becomes `ALLENNLP_KD_DATA`.
    jobs : `int`
        How many run at once.

    # Raises

    SystemExit
        If one fails. The end of its log is printed, and the others are stopped.
    """
    waiting = []
    for training in trainings:
        if training.seconds is None:
            waiting.append(training)
        else:
            print(f"{training.label}: done before ({training.run})", flush=True)
    running: List[_Process] = []
    try:
        while waiting or running:
            for training in [each for each in waiting if each.is_ready][: jobs - len(running)]:
                waiting.remove(training)
                running.append(_Process(training, data))
            time.sleep(POLL_SECONDS)
            for process in list(running):
                if process.has_ended():
                    running.remove(process)
    finally:
        for process in running:
            process.stop()


class _Process:
    """A training in a process of its own."""

    def __init__(self, training: Training, data: Path) -> None:
        self.training = training
        run = training.run
        command = [sys.executable, "-m", "allennlp", "train", str(training.config), "-s", str(run)]
        command += ["--include-package", "allennlp_kd", "-o", json.dumps(training.overrides)]
        if list(run.glob("model_state_*.th")):
            print(f"{training.label}: goes on where it stopped", flush=True)
            command.append("--recover")
        else:
            shutil.rmtree(run, ignore_errors=True)
        environment = dict(os.environ, ALLENNLP_KD_DATA=str(data), OMP_NUM_THREADS="1")
        self.log = run.with_suffix(".log")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.shown = {path.name for path in _epochs(run)}
        self.started = time.time()
        with open(self.log, "a", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
            )

    def has_ended(self) -> bool:
        """Shows new epochs; finishes the run if it has ended.

        # Raises

        SystemExit
            If it failed.
        """
        # Asked first, so that no epoch is written after the last look.
        code = self.process.poll()
        self._show()
        if code is None:
            return False
        training = self.training
        if code != 0:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines(True)
            tail = "".join(lines[-15:])
            raise SystemExit(
                f"{training.label}: `allennlp train` failed ({code}); {self.log} ends:\n{tail}"
            )
        if training.finish is not None:
            training.finish(training.run / "model.tar.gz")
        seconds = time.time() - self.started
        (training.run / FINISHED).write_text(json.dumps({"seconds": seconds}), encoding="utf-8")
        return True

    def stop(self) -> None:
        """Ends the process if it runs."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def _show(self) -> None:
        metric = self.training.metric
        for path in _epochs(self.training.run):
            if path.name in self.shown:
                continue
            try:
                metrics = json.loads(path.read_text(encoding="utf-8"))
            except json.JSONDecodeError:  # it is being written
                return
            self.shown.add(path.name)
            agreement = metrics.get("validation_agreement")
            print(
                f"{self.training.label}: epoch {metrics['epoch'] + 1:2d}, dev {metric} "
                f"{100 * metrics[f'validation_{metric}']:.1f} %"
                + (f", agreement {100 * agreement:.1f} %" if agreement is not None else "")
                + f" ({time.time() - self.started:.0f} s)",
                flush=True,
            )


def _epochs(run: Path) -> List[Path]:
    paths = run.glob("metrics_epoch_*.json")
    return sorted(paths, key=lambda path: int(re.findall(r"\d+", path.name)[-1]))
