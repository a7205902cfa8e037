"""A configuration that opens anything outside its pipeline is refused, however it says so."""

import shutil
import zipfile
from pathlib import Path
from typing import Any, List, Tuple

import pytest
import spacy

from spacy_bridge import load_student, open_pipeline
from spacy_bridge.__main__ import main
from spacy_bridge.components.pipeline_config import (
    MOST_ENTRIES,
    check_configuration,
    read_configuration,
)
from spacy_bridge.errors import PackageError
from tests.spacy_bridge.pipelines import packaged, pipeline

PIPELINE = ('"ner"]', '"ner", "x"]')
SOURCE = '[corpora.evil]\nsource = "OUTSIDE"\n'
READER = '[corpora.evil]\n@readers = "srsly.read_json.v1"\npath = "OUTSIDE/meta.json"\n'
VARIABLE = "must stand for a single value of at most 1,000 characters without variables"
NUMBERED = "[corpora.b0]\nx = 1\n"


def component(value: str) -> Tuple[str, str]:
    """The edit that adds the component `x`."""
    return "[components]\n", f"[components]\nx = {value}\n"


def setting(value: str) -> Tuple[str, str]:
    """The edit that adds `system.v`."""
    return "[system]\n", f"[system]\nv = {value}\n"


def bomb(*values: str) -> str:
    """Sections of which each has the content of the one before several times."""
    lines = [NUMBERED]
    for level in range(1, 60):
        lines.append(f"[corpora.b{level}]\n")
        lines += [
            f"{key} = {value}\n".replace("LAST", f"corpora.b{level - 1}")
            for key, value in zip("xy", values)
        ]
    return "".join(lines)


ATTACKS: List[Tuple[List[Tuple[str, str]], str, str]] = [
    # A variable for a section, in each form.
    ([PIPELINE, component("${corpora.evil}")], SOURCE, VARIABLE),
    ([PIPELINE, component('"${corpora.evil}"')], SOURCE, VARIABLE),
    ([PIPELINE, component('"\\u0024{corpora.evil}"')], SOURCE, VARIABLE),
    ([PIPELINE, component('"__SECTION__:corpora.evil"')], SOURCE, "takes components.x from"),
    ([PIPELINE, component("${system.v}"), setting('"__SECTION__:corpora.evil"')], SOURCE, VARIABLE),
    ([PIPELINE, component("${system.v}ION__:corpora.evil"), setting('"__SECT"')], SOURCE,
     "takes components.x from|cannot be read|is not replaced"),
    ([PIPELINE, component("${system.v}{corpora.evil}"), setting('"$$"')], SOURCE, VARIABLE),
    ([PIPELINE, component("$${corpora.evil}")], SOURCE, VARIABLE),
    ([PIPELINE, component('{"source": "${paths.train}"}')], "", "takes components.x from"),
    ([PIPELINE, component("${system.v}"), setting('{"source": "OUTSIDE"}')], "", VARIABLE),
    ([("threads = 1", "threads = ${corpora.evil}")], READER, VARIABLE),
    ([("after_creation = null", "after_creation = ${corpora.evil}")], READER, VARIABLE),
    ([("before_creation = null", "before_creation = ${system.v}"),
      setting('{"@callbacks": "spacy.x"}')], "", VARIABLE),
    # A pipeline that seems to have no student.
    ([('factory = "kd_ner"', "factory = ${system.v}"), setting('"kd_ner"'),
      ('factory = "sentencizer"', 'source = "OUTSIDE"')], "", "takes components.sentencizer from"),
    ([('factory = "kd_ner"', 'factory = "entity_ruler"'),
      ('factory = "sentencizer"', 'source = "OUTSIDE"')], "", "takes components.sentencizer from"),
    ([("threads = 1", 'threads = {"@misc": "spacy.KBFromFile.v1", "kb_path": "OUTSIDE"}')], "",
     "calls misc 'spacy.KBFromFile.v1' in components.ner.threads"),
    # A component's folder.
    ([('"ner"]', '"../ner"]'), ("[components.ner]", "[components.../ner]")], "",
     "a component '../ner'; a component's name must not contain a folder|cannot be read"),
    ([('"ner"]', '"a/../../ner"]')], "", "a component 'a/../../ner'; a component's name must not"),
    ([("pipeline = [", "pipelines = [")], "", "has no list nlp.pipeline"),
    # Memory and time.
    ([], bomb("${LAST.x}${LAST.x}"), VARIABLE),
    ([], bomb("${LAST}", "${LAST}"), VARIABLE),
    ([], bomb('"__SECTION__:LAST"', '"__SECTION__:LAST"'), "more than 20,000 entries"),
    ([], '[corpora.b]\nx = "__SECTION__:corpora.b"\n', "more than 20,000 entries|cannot be read"),
    ([], f"[corpora.b]\nx = [{', '.join('1' * (MOST_ENTRIES + 1))}]\n", "more than 20,000 entries"),
    ([], f'[corpora.b]\nx = "{"y" * 1_000_000}"\n', "bytes; at most 1,000,000 are allowed"),
    ([], f'[corpora.b]\ny = "{"y" * 1_001}"\nx = ${{corpora.b.y}}\n', VARIABLE),
    ([], "[corpora.b]\nx = ${corpora.nothing}\n", VARIABLE),
]  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "nlp"
    pipeline("ner").to_disk(folder)
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    other = spacy.blank("en")
    other.add_pipe("sentencizer", name="x")
    other.to_disk(tmp_path / "outside")
    return tmp_path / "outside"


def edited(folder: Path, edits: List[Tuple[str, str]], more: str, outside: Path) -> Path:
    path = folder / "config.cfg"
    text = path.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, text
        text = text.replace(old, new, 1)
    text = f"{text}\n\n{more}".replace("OUTSIDE", str(outside))
    path.write_text(text, encoding="utf-8")
    assert main(["seal", str(folder)]) == 0
    return folder


@pytest.mark.attack("configuration", "pipeline")
@pytest.mark.parametrize("edits, more, message", ATTACKS)
def test_attacks(
    saved: Path,
    tmp_path: Path,
    outside: Path,
    edits: List[Tuple[str, str]],
    more: str,
    message: str,
    monkeypatch: Any,
) -> None:
    folder = edited(Path(shutil.copytree(saved, tmp_path / "nlp")), edits, more, outside)
    monkeypatch.setattr(spacy, "load", lambda *a, **k: pytest.fail("spaCy was given it"))
    with pytest.raises(PackageError, match=message):
        open_pipeline(str(folder))


@pytest.mark.attack("configuration", "pipeline")
@pytest.mark.parametrize("kind", ["folder", "wheel"])
@pytest.mark.parametrize("edits, more, message", [
    ([("threads = 1", 'threads = {"@readers": "srsly.read_json.v1", "path": "OUTSIDE/x"}')], "",
     "calls readers 'srsly.read_json.v1' in components.ner.threads"),
    ([("threads = 1", "threads = ${corpora.evil}")], READER, VARIABLE),
    ([('"ner"]', '"a/../../ner"]')], "", "a component 'a/../../ner'; a component's name must not"),
])  # fmt: skip
def test_a_student_of_a_pipeline(
    saved: Path,
    tmp_path: Path,
    outside: Path,
    kind: str,
    edits: List[Tuple[str, str]],
    more: str,
    message: str,
) -> None:
    source = edited(Path(shutil.copytree(saved, tmp_path / "nlp")), edits, more, outside)
    if kind == "wheel":
        with zipfile.ZipFile(tmp_path / "nlp.whl", "w") as wheel:
            for path in source.rglob("*"):
                wheel.write(path, f"en_nlp/en_nlp-0.0.0/{path.relative_to(source)}")
        source = tmp_path / "nlp.whl"
    with pytest.raises(PackageError, match=message):
        load_student(source)


@pytest.mark.attack("configuration", "pipeline")
def test_the_pipeline_of_a_sentence_setter(outside: Path) -> None:
    edited(
        outside, [("after_creation = null", 'after_creation = {"@callbacks": "evil"}')], "", outside
    )
    with pytest.raises(PackageError, match="calls callbacks 'evil' in nlp.after_creation"):
        load_student(packaged("tagger"), "tagger", sentences=f"{outside}:x")


def test_variables_of_honest_pipelines(saved: Path, tmp_path: Path, outside: Path) -> None:
    """spaCy's own configurations have variables for single values."""
    edits = [("threads = 1", "threads = ${system.v}"), setting("2")]
    folder = edited(Path(shutil.copytree(saved, tmp_path / "nlp")), edits, "", outside)
    assert "${system.seed}" in (folder / "config.cfg").read_text(encoding="utf-8")
    assert open_pipeline(str(folder)).get_pipe("ner").threads == 2
    assert load_student(folder).get_pipe("ner").threads == 2
    assert open_pipeline(str(outside)).pipe_names == ["x"]
    other = spacy.blank("en")
    for factory in ("entity_ruler", "span_ruler", "spancat", "entity_linker"):
        if other.has_factory(factory):
            other.add_pipe(factory)
    config = read_configuration(other.config.to_bytes(), "config.cfg")
    check_configuration(config, "a pipeline with functions of spaCy")
    config = read_configuration(b'[a]\nb = "${c.d}.txt"\n[c]\nd = "x"\n', "config.cfg")
    assert config == {"a": {"b": "x.txt"}, "c": {"d": "x"}}
