"""Trainings that are killed from outside end as if they had not been."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.killing.corpora import write_corpora
from benchmarks.killing.experiments import NAMES, TEACHER, experiment
from benchmarks.killing.runs import weights

ROOT = Path(__file__).resolve().parents[2]


def kills(tmp_path, *words):
    output = tmp_path / "kills.json"
    command = [sys.executable, "-m", "benchmarks", "kills", "--quick", "--output", str(output)]
    found = subprocess.run(
        [*command, *words],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert found.returncode == 0, found.stderr[-3000:]
    return json.loads(output.read_text())


@pytest.mark.slow
def test_all_are_survived(tmp_path):
    found = kills(tmp_path, "--kills", "2")
    assert found["notes"]["failures"] == []
    assert found["notes"]["kills"] == found["notes"]["survived"] >= 4 * (4 + 2)
    assert all(target["met"] for target in found["targets"])
    killed = found["medians"]["killed"]
    assert {kind.split(":")[0] for kind in killed} == set(NAMES)
    assert all(count >= 1 for count in killed.values())


@pytest.mark.slow
def test_the_framework_s_own_trainer_does_not_survive(tmp_path):
    """So the comparison can fail."""
    found = kills(tmp_path, "--kills", "0", "--stock", "--experiments", "tagger, live teacher")
    assert found["notes"]["survived"] < found["notes"]["kills"]
    assert any("while archiving: other weights" in fault for fault in found["notes"]["failures"])


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_as_a_command(tmp_path, sent):
    """Each time a new process, with hashes of its own."""
    data = tmp_path / "data"
    write_corpora(data)
    (tmp_path / ".allennlp_plugins").write_text("allennlp_kd.plugin\n")
    processes = []

    def start(name, run, *words):
        config = tmp_path / f"{name}.json"
        config.write_text(json.dumps(experiment(name, data, tmp_path)))
        seed = str(len(processes))
        with open(tmp_path / "output.txt", "a") as output:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "allennlp", "train", config, "-s", run, *words],
                    cwd=tmp_path,
                    env={
                        **os.environ,
                        "PYTHONPATH": str(ROOT),
                        "OMP_NUM_THREADS": "1",
                        "PYTHONHASHSEED": seed,
                    },
                    stdout=output,
                    stderr=output,
                    # A shell's background jobs, and so all that they start, ignore interrupts.
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
                )
            )
        return processes[-1]

    def output():
        return (tmp_path / "output.txt").read_text(errors="replace")

    assert start(TEACHER, data / TEACHER).wait(200) == 0, output()[-3000:]
    assert start("tagger, live teacher", tmp_path / "whole").wait(200) == 0, output()[-3000:]
    killed = start("tagger, live teacher", tmp_path / "run")
    while not list((tmp_path / "run").glob("checkpoint_e*.json")) and killed.poll() is None:
        time.sleep(0.005)
    killed.send_signal(sent)
    assert killed.wait(200) != 0
    if sent == signal.SIGINT:
        assert "--recover continues from there" in output()
    again = start("tagger, live teacher", tmp_path / "run", "--recover")
    assert again.wait(200) == 0, output()[-3000:]
    assert weights(tmp_path / "run") == weights(tmp_path / "whole")
