"""An honest archive, and somebody who watches what is opened."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest

from allennlp_kd.archives import weight_outlines
from tests.spacy_bridge.archives import make_archive, tagger

WATCHED = ("open", "os.listdir", "os.scandir", "os.mkdir", "os.symlink", "os.link", "os.rename")
FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "os.system", "subprocess.Popen", "os.exec")

_seen: List[Any] = []
_watching: List[Path] = []


def _reads_weights(event: str, arguments: Any) -> bool:
    """The one process that is started: `weight_process.py` says what it may do."""
    program = [sys.executable, "-I", "-S", str(Path(weight_outlines.__file__))]
    return event == "subprocess.Popen" and list(arguments[1][: len(program)]) == program


def _watch(event: str, arguments: Any) -> None:
    if not _watching:
        return
    if event in FORBIDDEN and not _reads_weights(event, arguments):
        _seen.append((event, arguments))
    elif event in WATCHED and arguments and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path = Path(os.path.abspath(os.fsdecode(arguments[0])))
        if _watching[0] == path or _watching[0] in path.parents:
            _seen.append((event, path))


@pytest.fixture(scope="session")
def _hook() -> None:
    sys.addaudithook(_watch)  # it cannot be taken away again, so it is switched off


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of an archive of a stock tagger."""
    folder = tmp_path_factory.mktemp("honest") / "files"
    make_archive(folder, tagger(), scale=1.0)
    for name in ("model.tar.gz", "data.txt"):
        (folder / name).unlink()
    return folder


@pytest.fixture
def place(honest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `files`, a copy of the honest ones, and `outside`, which is none of its business."""
    shutil.copytree(honest, tmp_path / "files")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("{}")
    (tmp_path / "modules").mkdir()
    canary = tmp_path / "outside" / "canary"
    (tmp_path / "modules" / "hostile_module.py").write_text(
        f"open({str(canary)!r}, 'w')\nCanary = dict\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def untouched(_hook: None, place: Path) -> Iterator[Callable[[], None]]:
    """Starts watching when it is called; afterwards nothing outside may have been looked at."""
    _seen.clear()
    _watching.clear()
    before: List[str] = []

    def start() -> None:
        before.extend(sorted(os.listdir(place / "outside")))
        _watching.append(place / "outside")

    yield start
    _watching.clear()
    assert _seen == []
    assert before and sorted(os.listdir(place / "outside")) == before
    assert "hostile_module" not in sys.modules
