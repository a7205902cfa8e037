"""Processes: what they import, and that a session crosses no fork and no pickle."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spacy_bridge.runtime.open_student import open_student
from tests.spacy_bridge.pipelines import packaged, pipeline

ROOT = Path(__file__).parents[2]
HEAVY = (
    "allennlp",
    "allennlp_models",
    "allennlp_kd",
    "torch",
    "transformers",
    "onnx",
    "tokenizers",
)


def run(*command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "method, threads",
    [
        ("fork", 1),
        pytest.param("fork", 2, marks=pytest.mark.slow),
        pytest.param("spawn", 1, marks=pytest.mark.slow),
        pytest.param("spawn", 2, marks=pytest.mark.slow),
    ],
)
def test_two_processes_after_the_parent_has_answered(
    method: str, threads: int, tmp_path: Path
) -> None:
    pipeline(threads=threads).to_disk(tmp_path / "nlp")
    script = str(Path(__file__).parent / "many_processes.py")
    run("-W", "ignore", script, str(tmp_path / "nlp"), method)


def test_the_run_time_imports_nothing_heavy(tmp_path: Path) -> None:
    nlp = pipeline()
    nlp.to_disk(tmp_path / "nlp")
    # spaCy itself imports torch where it is installed, so torch is hidden: an import of it would fail.
    found = run(
        "-c",
        "import sys; sys.modules.update(torch=None, transformers=None)\n"
        "import spacy\n"
        "from spacy_bridge.components import chunker, entities, parser, tagger\n"
        f"nlp = spacy.load({str(tmp_path / 'nlp')!r})\n"
        "doc = nlp('The fox jumps. It is lazy.')\n"
        "assert doc.has_annotation('DEP') and doc.has_annotation('TAG')\n"
        "print(*sorted({name.split('.')[0] for name, module in sys.modules.items() if module}))",
    ).split()
    assert "onnxruntime" in found
    assert not set(HEAVY) & set(found)


def test_importing_the_package_is_light() -> None:
    found = run(
        "-c", "import sys, spacy_bridge, spacy_bridge.runtime.packaged_student; print(*sys.modules)"
    ).split()
    assert not {"spacy", "onnxruntime", *HEAVY} & {name.split(".")[0] for name in found}


def test_a_pickled_student_holds_no_session() -> None:
    student = open_student(packaged("tagger"))
    expected = student([["The", "fox"]])
    copy = pickle.loads(pickle.dumps(student))
    assert copy._network._made is None and student._network._made is not None
    assert copy([["The", "fox"]]) == expected


def test_a_session_is_made_anew_after_a_fork(monkeypatch: Any) -> None:
    student = open_student(packaged("tagger"))
    expected = student([["The", "fox"]])
    first = student._network._made
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert student([["The", "fox"]]) == expected
    assert student._network._made[0][0] == -1
    assert student._network._inherited == [first[1]]  # kept: to destroy it could hang
