"""What checks the documentation finds what is wrong."""

from pathlib import Path
from typing import Any

import pytest

from tests.docs import blocks
from tests.docs.commands import Shell, commands_of, without
from tests.docs.configurations import merged, placed, tagger_base, whole


def test_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# A\n\n```bash\nmake\n```\n\n1. b\n\n    ```text\n    c\n      d\n    ```\n")
    first, second = blocks.blocks_of(page)
    assert first == blocks.Block("page.md:3", "bash", "make\n")
    assert (second.kind, second.text) == ("text", "c\n  d\n")
    assert blocks.unfenced(page) == []
    page.write_text("# A\n\n    make\n\n- b\n\n    of the list\n\nc\n\n    more\n")
    assert blocks.unfenced(page) == ["    make", "    more"]


def test_words_of_commands() -> None:
    text = "A=1 B=2 make x && echo 'a b' > c &\n# nothing\nallennlp \\\n  train y # why\nwait\n"
    assert commands_of(text) == [
        ["make", "x"],
        ["echo", "a b", ">", "c"],
        ["allennlp", "train", "y"],
        ["wait"],
    ]


def test_options_left_out() -> None:
    words = ["package", "a", "--build", "wheel", "--lang", "de"]
    assert without(words, "--build", "--workers") == ["package", "a", "--lang", "de"]


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf .",
        "make nothing",
        "make demo NOBODY=1",
        "make setup STACK=old",
        ".ci/nothing",
        "pip install other",
        "pip install allennlp-kd[nothing]",
        "pip install .[nothing]",
        "pip install -r requirements/nothing.txt",
        "python -m benchmarks nothing",
        "python -m benchmarks demo --nothing",
        "python -m nothing",
        "allennlp train training_configs/nothing.jsonnet",
        "export nothing",
    ],
)
def test_wrong_commands(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (words,) = commands_of(command)
    with pytest.raises(AssertionError):
        Shell(tmp_path, monkeypatch).run(words)


@pytest.mark.parametrize(
    "command",
    [
        "make test STACK=legacy PYTHON=/x",
        ".ci/run",
        "pip install 'allennlp-kd[train]' -e .",
        "pip install '.[train]'",
        "python -m benchmarks accuracy --grid benchmarks/grids/chunking.json",
        "export A_B=c",
    ],
)
def test_right_commands(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (words,) = commands_of(command)
    Shell(tmp_path, monkeypatch).run(words)


def test_fragments(tmp_path: Path) -> None:
    def config(text: str) -> Any:
        return whole(blocks.Block("page:1", "jsonnet", text), tmp_path)

    assert config('objective: { type: "token" }')["model"]["objective"] == {"type": "token"}
    found = config('// for a parser\nteacher: { type: "archive", archive_file: "x" }')
    assert found["model"]["student"]["type"] == "biaffine_parser_student"
    assert found["model"]["teacher"] == found["dataset_reader"]["teacher"]
    assert found["model"]["teacher"]["archive_file"] == "x"
    assert config("model: { alpha: 1 }")["model"]["teacher"] == tagger_base()["model"]["teacher"]
    assert config("// of.jsonnet\n{ a: 1 }") == {"a": 1} and (tmp_path / "of.jsonnet").is_file()
    with pytest.raises(RuntimeError):
        config("model: {")


def test_another_type_replaces() -> None:
    base = {"a": {"type": "x", "b": 1}, "c": 2}
    assert merged(base, {"a": {"b": 3}}) == {"a": {"type": "x", "b": 3}, "c": 2}
    assert merged(base, {"a": {"type": "y"}}) == {"a": {"type": "y"}, "c": 2}
    assert placed({"objective": 1, "model": {"alpha": 0}}) == {
        "model": {"objective": 1, "alpha": 0}
    }
