"""The demo's last step: the students' wheel in an environment of its own."""

import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks.demo import serving
from tests.spacy_bridge.archives import make_archive, parser, tagger
from tests.spacy_bridge.serving_environment import link_serving

TEXT = "Bu küçük model, büyük olandan öğrendi."


def test_the_pins_are_those_of_the_stack(monkeypatch):
    assert serving.pins().is_file()
    monkeypatch.setattr(serving, "PINS", {(2, 6): "a", (2, 7): "b"})
    found = f"found {sys.version_info[0]}.{sys.version_info[1]}"
    with pytest.raises(SystemExit, match=f"pinned for Python 2.6 or 2.7, {found}"):
        serving.pins()


def test_a_command_that_fails_is_shown_with_what_it_said():
    code = "import sys; print('said', file=sys.stderr); sys.exit(3)"
    with pytest.raises(SystemExit, match=r"`.*-c.*` failed \(3\):\nsaid"):
        serving.run([sys.executable, "-c", code])


def test_only_this_interpreter_sees_the_repository(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    other = tmp_path / "python"
    os.symlink(sys.executable, other)
    code = "import json, os; print(json.dumps(os.environ.get('PYTHONPATH')))"
    assert json.loads(serving.run([sys.executable, "-c", code])) == str(serving.ROOT)
    assert json.loads(serving.run([str(other), "-c", code])) is None


def test_an_environment_is_kept_while_its_pins_are_the_same(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(
        serving, "run", lambda command: (tmp_path / "venv").mkdir() or commands.append(command)
    )
    installed = []
    monkeypatch.setattr(
        serving, "install_pins", lambda python, pinned: installed.append(pinned.read_text())
    )
    pinned = tmp_path / "pins.txt"
    for text in ("a==1", "a==1", "a==2"):
        pinned.write_text(text)
        assert (
            serving.environment(tmp_path / "venv", pinned) == tmp_path / "venv" / "bin" / "python"
        )
    assert installed == ["a==1", "a==2"]
    assert commands == [[sys.executable, "-m", "venv", str(tmp_path / "venv")]] * 2


@pytest.mark.slow
def test_serves_a_tagger_and_a_parser(tmp_path, monkeypatch):
    archives = {
        "tagger": make_archive(tmp_path / "tagger", tagger(tags=["N", "V"], label_encoding=None)),
        "parser": make_archive(tmp_path / "parser", parser()),
    }

    def link(python: Path, pinned: Path) -> None:
        (packages,) = (python.parents[1] / "lib").glob("python*/site-packages")
        link_serving(packages)

    monkeypatch.setattr(serving, "install_pins", link)
    said = serving.serve(archives, tmp_path / "serving", TEXT).splitlines()
    assert said[0].startswith("spacy.load('tr_demo'): ['sentencizer', 'tagger', 'parser'], ")
    assert said[1] == f"nlp({TEXT!r})"
    words = [line.split("/")[0].strip() for line in said[2:]]
    assert words == ["Bu", "küçük", "model", ",", "büyük", "olandan", "öğrendi", "."]
    tags = {line.split("/")[1].split()[0] for line in said[2:]}
    assert tags <= {"N", "V"} and sum(line.endswith("  root") for line in said) == 1
    names = sorted(path.name for path in (tmp_path / "serving" / "wheels").glob("*.whl"))
    assert [name.split("-")[0] for name in names] == ["allennlp_kd", "tr_demo"]
    assert "<svg" in (tmp_path / "serving" / "page.html").read_text(encoding="utf-8")
