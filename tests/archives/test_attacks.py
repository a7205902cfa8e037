"""Each attack of `hostile.py`, at each door: refused, and nothing has happened."""

import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from allennlp.common import params
from allennlp.common.checks import ConfigurationError
from allennlp.models import load_archive

import allennlp_kd.plugin  # noqa: F401 (registers what configurations name)
from allennlp_kd.archives.limits import MAX_GIB
from allennlp_kd.init_config.teacher_profile import profile_teacher
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from spacy_bridge.errors import BridgeError
from spacy_bridge.packaging.student_files import student_files
from tests.archives import conftest
from tests.archives.hostile import ATTACKS, Attack


def as_teacher(path: Path) -> None:
    ArchiveTeacher(str(path)).labels


def as_source(path: Path) -> None:
    profile_teacher(str(path))


DOORS: Dict[str, Any] = {
    "kd-init": (as_source, ConfigurationError),
    "teacher": (as_teacher, ConfigurationError),
    "packager": (student_files, BridgeError),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.kind}: {attack.name}")
def test_is_refused(
    attack: Attack,
    door: str,
    place: Path,
    untouched: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_archive, error = DOORS[door]
    path = attack.build(place / "files", place / "outside")
    for name in ("evaluate_file", "evaluate_snippet"):
        monkeypatch.setattr(params, name, lambda *a, **k: pytest.fail("jsonnet was evaluated"))
    if attack.name == "size":
        monkeypatch.setenv(MAX_GIB, "0.002")
    untouched()
    with pytest.raises(error) as refusal:
        open_archive(path)
    message = str(refusal.value)
    assert re.search(attack.message, message, re.DOTALL), message
    assert str(path) in message


def test_no_attack_is_there_twice() -> None:
    assert max(Counter((attack.kind, attack.name) for attack in ATTACKS).values()) == 1
    assert len(ATTACKS) >= 75


@pytest.mark.parametrize("door", DOORS)
def test_the_honest_archive_is_opened(
    door: str, place: Path, untouched: Callable[[], None]
) -> None:
    untouched()
    DOORS[door][0](place / "files")


def test_stock_falls_for_it(place: Path) -> None:
    """The traps work: what is refused here does harm where AllenNLP opens it."""
    by_name = {(attack.kind, attack.name): attack for attack in ATTACKS}
    path = by_name["class", "encoder"].build(place / "files", place / "outside")
    with pytest.raises(Exception):
        load_archive(str(path))
    assert (place / "outside" / "canary").exists()
    del sys.modules["hostile_module"]


def test_the_watch_sees(place: Path, untouched: Callable[[], None]) -> None:
    untouched()
    (place / "outside" / "secret.txt").read_text()
    os.listdir(place / "outside")
    assert [event for event, _ in conftest._seen] == ["open", "os.listdir"]
    conftest._seen.clear()
