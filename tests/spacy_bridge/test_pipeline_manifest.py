"""A pipeline that differs from the saved file is refused, whatever file has changed."""

import os
import shutil
from pathlib import Path
from typing import Any, Callable

import pytest
import spacy

from spacy_bridge import open_pipeline
from spacy_bridge.__main__ import main
from spacy_bridge.components.pipeline_manifest import PIPELINE_MANIFEST, check_pipeline
from spacy_bridge.errors import PackageError
from tests.spacy_bridge.pipelines import pipeline


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "nlp"
    nlp = pipeline("ner")
    nlp.vocab.strings.add("a word")
    nlp.to_disk(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "nlp"))


@pytest.mark.attack("flipped bits", "pipeline")
def test_one_flipped_bit_in_any_file(folder: Path) -> None:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path.relative_to(folder).as_posix() for path in files}
    assert {"tokenizer", "config.cfg", "vocab/strings.json"} <= names
    check_pipeline(folder)
    for path in files:
        if path.name == "meta.json":
            continue
        content = path.read_bytes()
        for place in {0, len(content) // 2, len(content) - 1} if content else ():
            bad = bytearray(content)
            bad[place] ^= 1
            path.write_bytes(bytes(bad))
            # What stands in a student's folder is checked when that is opened.
            with pytest.raises(PackageError):
                check_pipeline(folder)
                spacy.load(folder)
        path.write_bytes(content)
    check_pipeline(folder)


@pytest.mark.attack("changed files", "pipeline")
@pytest.mark.parametrize("name, old, new", [
    ("config.cfg", "batch_size = 1000", "batch_size = 1001"),
    ("vocab/strings.json", "a word", "a ward"),
])  # fmt: skip
def test_spacy_does_not_open_it(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(PackageError, match=f"{name} differs from the saved file: its SHA-256"):
        spacy.load(folder)
    with pytest.raises(PackageError, match=f"{name} differs from the saved file"):
        open_pipeline(str(folder))
    assert main(["seal", str(folder)]) == 0
    spacy.load(folder)


def test_saving_writes_a_new_manifest(folder: Path, tmp_path: Path) -> None:
    nlp = spacy.load(folder)
    nlp.tokenizer.add_special_case("dont", [{"ORTH": "do"}, {"ORTH": "nt"}])
    before = (folder / PIPELINE_MANIFEST).read_bytes()
    nlp.to_disk(folder)
    assert (folder / PIPELINE_MANIFEST).read_bytes() != before
    assert [token.text for token in spacy.load(folder)("dont")] == ["do", "nt"]
    # A component that another pipeline takes over is known there, too.
    other = spacy.blank("en")
    other.add_pipe("ner", source=nlp)
    other.to_disk(tmp_path / "other")
    assert (tmp_path / "other" / PIPELINE_MANIFEST).is_file()


def added(folder: Path) -> None:
    (folder / "vocab" / "more.bin").write_bytes(b"")


def removed(folder: Path) -> None:
    (folder / "vocab" / "strings.json").unlink()


def linked_component(folder: Path) -> None:
    (folder / "ner").rename(folder.parent / "ner")
    os.symlink(folder.parent / "ner", folder / "ner")


def piped(folder: Path) -> None:
    (folder / "tokenizer").unlink()
    os.mkfifo(folder / "tokenizer")


def without_manifest(folder: Path) -> None:
    (folder / PIPELINE_MANIFEST).unlink()


def with_a_manifest_of_the_future(folder: Path) -> None:
    path = folder / PIPELINE_MANIFEST
    path.write_bytes(path.read_bytes().replace(b'"format_version":1', b'"format_version":2'))


@pytest.mark.attack("changed files", "pipeline")
@pytest.mark.parametrize("change, message", [
    (added, "vocab/more.bin was not saved with the pipeline"),
    (removed, "vocab/strings.json is missing"),
    (linked_component, "ner is a link; all folders of a pipeline must be inside it"),
    (piped, "tokenizer is not a file"),
    (without_manifest, "has no pipeline_manifest.json, so it"),
    (with_a_manifest_of_the_future, "format version 2, but this allennlp-kd reads version 1"),
])  # fmt: skip
def test_other_changes(folder: Path, change: Callable[[Path], None], message: str) -> None:
    change(folder)
    with pytest.raises(PackageError, match=message):
        spacy.load(folder)


@pytest.mark.attack("changed files", "pipeline")
def test_a_component_is_not_read_through_a_link(folder: Path) -> None:
    nlp = spacy.load(folder)
    os.symlink("ner", folder / "link")
    with pytest.raises(
        PackageError, match="link is a link; the folder of a component must be inside"
    ):
        nlp.get_pipe("ner").from_disk(folder / "link")


def test_files_may_be_links(folder: Path) -> None:
    """As Hugging Face's cache has them; what they lead to is checked."""
    (folder / "tokenizer").rename(folder.parent / "blob")
    os.symlink(folder.parent / "blob", folder / "tokenizer")
    spacy.load(folder)
    with open(folder.parent / "blob", "ab") as file:
        file.write(b"x")
    with pytest.raises(PackageError, match="tokenizer differs from the saved file"):
        spacy.load(folder)


def test_documents_may_be_added(folder: Path) -> None:
    (folder / "README.md").write_text("About it.")
    (folder / ".hidden").write_text("")
    spacy.load(folder)


def test_what_decides_no_answer_may_change(folder: Path) -> None:
    """`spacy package` writes `meta.json` anew."""
    text = (folder / "meta.json").read_text(encoding="utf-8")
    (folder / "meta.json").write_text(text.replace("0.0.0", "0.0.1"), encoding="utf-8")
    assert spacy.load(folder).meta["version"] == "0.0.1"


def test_other_pipelines_have_no_manifest(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "nlp")
    assert not (tmp_path / "nlp" / PIPELINE_MANIFEST).exists()
    spacy.load(tmp_path / "nlp")


def test_seal_needs_a_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["seal", str(tmp_path)]) == 1
    assert "is not the folder of a pipeline" in capsys.readouterr().err


@pytest.mark.attack("configuration", "pipeline")
@pytest.mark.parametrize("old, new, message", [
    ('factory = "sentencizer"', 'source = "/elsewhere"', "takes components.sentencizer from"),
    ("before_creation = null", 'before_creation = {"@callbacks": "spacy.x"}', "calls callbacks"),
    ("after_creation = null", 'after_creation = {"@readers": "srsly.read_json.v1", "path": "/x"}',
     "calls readers 'srsly.read_json.v1' in nlp.after_creation"),
    ('"spacy.Tokenizer.v1"', '"evil.v1"', "calls tokenizers 'evil.v1'"),
    ("[components.ner]", "[components.ner", "cannot be read"),
])  # fmt: skip
def test_configurations_that_open_other_things(
    folder: Path, old: str, new: str, message: str, monkeypatch: Any
) -> None:
    path = folder / "config.cfg"
    text = path.read_text(encoding="utf-8").replace('= {"@scorers"', '= {"@scorers"')
    assert old in text, text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert main(["seal", str(folder)]) == 0
    monkeypatch.setattr(spacy, "load", lambda *a, **k: pytest.fail("spaCy was given it"))
    with pytest.raises(PackageError, match=message):
        open_pipeline(str(folder))
