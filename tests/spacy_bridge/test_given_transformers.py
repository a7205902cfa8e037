"""One pipeline's archives may name no transformer, one, or different ones."""

import json
import tarfile
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
import spacy

from spacy_bridge.__main__ import main
from spacy_bridge.errors import BridgeError
from spacy_bridge.packaging.archive.given_transformers import given_transformers
from tests.modules.conftest import BUILDERS
from tests.spacy_bridge.archives import make_archive, parser, tagger
from tests.spacy_bridge.test_transformers import inputs


@pytest.fixture
def archives(tmp_path: Path) -> Dict[str, Path]:
    """By name, of what they name: nothing, `a`, `a` again, `b`, and `c`, which is inside."""
    made = {}
    for name, transformer in (("none", None), ("a", "a"), ("again", "a"), ("b", "b"), ("c", "c")):
        kind = "layers" if name == "c" else "mismatched"
        piece = {"type": f"pretrained_transformer_{kind}", "model_name": transformer}
        indexers = {"pieces": piece if transformer else {"type": "single_id"}}
        files = {"config.json": {"dataset_reader": {"token_indexers": indexers}, "model": {}}}
        if name == "c":
            files["vocabulary/.transformers/transformer/config.json"] = {}
        folder = tmp_path / name
        for file, content in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(json.dumps(content))
        made[name] = folder / "model.tar.gz"
        with tarfile.open(made[name], "w:gz") as archive:
            for file in files:
                archive.add(folder / file, arcname=file)
    return made


@pytest.mark.parametrize(
    "names, given, expected",
    [
        (["none", "a", "c"], [], [None, None, None]),
        (["none", "a", "again", "c"], ["F"], [None, "F", "F", None]),
        (["a", "none", "b"], ["a=F", "b=G"], ["F", None, "G"]),
        (["a", "b"], ["G", "a=F"], ["F", "G"]),
        (["a"], ["x=F"], ["x=F"]),  # no component's name, so a folder's
        (["a"], ["a=x=F"], ["x=F"]),
        (["none"], ["none=F"], ["F"]),  # refused when it is opened
    ],
)
def test_each_gets_what_it_names(
    names: List[str],
    given: List[str],
    expected: List[Optional[str]],
    archives: Dict[str, Path],
) -> None:
    some = {name: archives[name] for name in names}
    assert given_transformers(some, given) == dict(zip(names, expected))


@pytest.mark.parametrize(
    "names, given, message",
    [
        (["a", "none", "b"], ["F"],
         r"F cannot replace different transformers \(a: a; b: b\): use NAME=FOLDER"),
        (["none", "c"], ["F"], "F is not needed: none of .* names a transformer outside itself"),
        (["a"], ["F", "G"], "2 folders for all archives, F, G: use NAME=FOLDER for each component of a"),
        (["a", "b"], ["a=F", "a=G"], "gives 'a' two transformers: F and G"),
    ],
)  # fmt: skip
def test_one_that_cannot_be_meant_is_refused(
    names: List[str], given: List[str], message: str, archives: Dict[str, Path]
) -> None:
    with pytest.raises(BridgeError, match=message):
        given_transformers({name: archives[name] for name in names}, given)


def test_archives_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("nothing")
    for name, message in (
        ("gone", "it does not exist"), ("file", "damaged or not an archive"), ("", "has no config.json")
    ):  # fmt: skip
        with pytest.raises(BridgeError, match=message):
            given_transformers({"ner": tmp_path / name}, ["F"])


def test_a_transformer_s_student_beside_another(
    archive_of: Any, tmp_path: Path, capsys: Any
) -> None:
    folder = BUILDERS["bert"](tmp_path / "checkpoint", depth=1)
    config = tagger(**inputs("pretrained_transformer_mismatched", folder))
    command = ["package", str(tmp_path), "--ner", str(make_archive(tmp_path / "student", config)),
               "--parser", str(archive_of(parser()))]  # fmt: skip
    assert main(command) == 1
    assert "set --transformer to the folder" in capsys.readouterr().err
    for name, given in (("shared", str(folder)), ("own", f"ner={folder}")):
        assert main([*command, "--name", name, "--transformer", given]) == 0
        nlp = spacy.load(tmp_path / f"en_{name}-0.0.0")
        assert nlp.pipe_names == ["sentencizer", "ner", "parser"]
        assert nlp("the cat.").has_annotation("DEP")
        assert any("[transformer]" in each for each in nlp.meta["requirements"])
        other = spacy.blank("en")
        other.add_pipe("ner", name="names", source=nlp)
        other.to_disk(tmp_path / f"sourced-{name}")
        requirements = spacy.load(tmp_path / f"sourced-{name}").meta["requirements"]
        assert [each.split(">")[0] for each in requirements] == ["allennlp-kd[transformer]"]
