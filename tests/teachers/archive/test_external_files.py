"""The fingerprint of a teacher covers the files outside of its archive that its scores depend on."""

import json
import shutil
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from allennlp.common.checks import ConfigurationError

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.archive.external_files import external_digest
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from tests.teachers.archive.legacy.tiny_transformers import write_weights
from tests.teachers.archive.test_archive import collated

LEGACY = Path(__file__).parent / "legacy"
ARCHIVE = str(LEGACY / "bert_tagger.tar.gz")


@pytest.fixture
def transformer(tmp_path: Path) -> Path:
    shutil.copytree(LEGACY / "bert", tmp_path / "transformer")
    return write_weights(tmp_path / "transformer")


def fingerprint(transformer: Path) -> str:
    return ArchiveTeacher(ARCHIVE, -1, transformer=str(transformer)).fingerprint


def append(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b" ")


@pytest.mark.parametrize(
    "change",
    [
        append("vocab.txt"),
        append("tokenizer.json"),
        append("config.json"),
        lambda folder: (folder / "added_tokens.json").write_text("{}"),
        lambda folder: (folder / "special_tokens_map.json").unlink(),
    ],
)
def test_a_file_that_scores_depend_on(transformer, change):
    before = fingerprint(transformer)
    change(transformer)
    assert fingerprint(transformer) != before


def test_what_scores_do_not_depend_on(transformer, tmp_path):
    before = fingerprint(transformer)
    write_weights(transformer, seed=5)  # the archive has its own
    (transformer / "README.md").write_text("new")
    (transformer / ".cache").mkdir()
    (transformer / ".cache" / "x.json").write_text("{}")
    assert fingerprint(transformer) == before
    moved = shutil.move(str(transformer), str(tmp_path / "elsewhere"))
    assert fingerprint(Path(moved)) == before


def test_a_store_of_another_tokenizer_is_refused(transformer, tmp_path):
    folder = str(tmp_path / "store")
    teacher = ArchiveTeacher(ARCHIVE, -1, transformer=str(transformer))
    assert StoreTeacher(folder, teacher).fill([Sentence(("the", "cat"))]) == 1
    append("vocab.txt")(transformer)
    changed = ArchiveTeacher(ARCHIVE, -1, transformer=str(transformer))
    with pytest.raises(
        ConfigurationError, match="another fingerprint: .*a file such as its tokenizer"
    ):
        StoreTeacher(folder, changed).fill([Sentence(("the", "cat"))])


def test_a_model_whose_reader_has_another_tokenizer_is_refused(transformer, tmp_path):
    other = Path(shutil.copytree(transformer, tmp_path / "other"))
    inputs = collated(ArchiveTeacher(ARCHIVE, -1, transformer=str(other)))["value"]
    ArchiveTeacher(ARCHIVE, -1, transformer=str(transformer)).potentials(inputs)
    append("vocab.txt")(other)
    message = f"read for .*bert_tagger.tar.gz with {other}: .*must be the same"
    with pytest.raises(ConfigurationError, match=message):
        ArchiveTeacher(ARCHIVE, -1, transformer=str(transformer)).potentials(inputs)


def test_trust_covers_what_the_archive_names(transformer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.move(str(transformer), "tiny-bert")  # as the archive calls it
    found = ArchiveTeacher(ARCHIVE, -1, trust=True).fingerprint
    assert found == fingerprint(Path("tiny-bert"))


def digest(**embedder: str) -> str:
    parts: Dict[str, Any] = {"model": {"token_embedders": {"elmo": embedder}}}
    return external_digest(parts, lambda name: False)


def test_each_file_that_a_configuration_names(tmp_path):
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"a": 1}))
    before = digest(options_file=str(options))
    renamed = options.rename(tmp_path / "renamed.json")
    assert digest(options_file=str(renamed)) == before
    renamed.write_text(json.dumps({"a": 2}))
    assert digest(options_file=str(renamed)) != before
    assert digest(namespace="words") == ""
    assert digest(options_file="https://a/b") != digest(options_file="https://a/c") != ""


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(
        ConfigurationError, match=f"the file or folder {tmp_path}/gone.*does not exist"
    ):
        fingerprint(tmp_path / "gone")
