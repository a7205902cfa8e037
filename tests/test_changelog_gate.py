"""`.ci/changelog-gate`, in repositories of its own."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

GATE = Path(__file__).resolve().parents[1] / ".ci" / "changelog-gate"
WHO = ["-c", "user.name=a", "-c", "user.email=a@b"]


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *WHO, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, name: str, message: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.read_text() + "more\n" if path.exists() else "first\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", message)


def gate(folder: Path, *base: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", ".ci/changelog-gate", *base], cwd=folder, capture_output=True, text=True
    )


@pytest.fixture
def repository(tmp_path: Path) -> Any:
    folder = tmp_path / "here"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(GATE, folder / ".ci")
    git(tmp_path, "init", "-q", "-b", "main", str(folder))
    commit(folder, "CHANGELOG.md", "Begin")
    git(folder, "tag", "base")
    return folder


def test_a_visible_change_wants_a_line(repository: Path) -> None:
    commit(repository, "allennlp_kd/a.py", "Change what is seen")
    commit(repository, "tests/a.py", "Change what is not")
    result = gate(repository, "base")
    assert result.returncode == 1
    assert "CHANGELOG.md has not moved since base" in result.stderr
    assert "Change what is seen" in result.stderr and "what is not" not in result.stderr
    commit(repository, "CHANGELOG.md", "Say so")
    assert gate(repository, "base").returncode == 0


@pytest.mark.parametrize(
    "name, message",
    [
        ("tests/a.py", "Test"),
        ("setup.py", "Move lines\n\nNo changelog: nothing is other than it was"),
    ],
)
def test_what_needs_no_line(name: str, message: str, repository: Path) -> None:
    commit(repository, name, message)
    assert gate(repository, "base").returncode == 0


def test_no_changelog_wants_a_reason(repository: Path) -> None:
    commit(repository, "setup.py", "Move lines\n\nNo changelog: ")
    assert gate(repository, "base").returncode == 1


def test_the_base_by_default(repository: Path, tmp_path: Path) -> None:
    """The upstream branch; else the remote's main one; else the last commit but one."""
    commit(repository, "setup.py", "Change what is seen")
    assert gate(repository).returncode == 1
    git(tmp_path, "clone", "-q", str(repository), "clone")
    clone = tmp_path / "clone"
    assert gate(clone).returncode == 0  # nothing is ahead of the upstream
    git(clone, "checkout", "-q", "--no-track", "-b", "topic")
    commit(clone, "setup.py", "Change more")
    commit(clone, "tests/a.py", "Test")
    result = gate(clone)
    assert result.returncode == 1 and "Change more" in result.stderr
