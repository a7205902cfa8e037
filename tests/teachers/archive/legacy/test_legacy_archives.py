"""Archives that the legacy stack wrote score on each stack as they did there."""

import json
import shutil
from pathlib import Path
from typing import Any, Dict

import pytest
import torch
from allennlp.data import Batch, Token
from allennlp.models import load_archive

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from tests.teachers.archive.legacy.tiny_transformers import TRANSFORMERS, write_weights
from tests.teachers.archive.legacy.write_archives import SENTENCES

FOLDER = Path(__file__).parent
STUDENTS = ["bert_student", "bert_layers_student", "roberta_layers_student", "bert_distilled"]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory in which the archives' names of transformers can be resolved."""
    for name in ("bert", "roberta"):
        shutil.copytree(FOLDER / name, tmp_path / f"tiny-{name}")
        write_weights(tmp_path / f"tiny-{name}", seed=9)  # other weights than the archives'
    monkeypatch.chdir(tmp_path)
    return tmp_path


def expected(name: str) -> Dict[str, Any]:
    return json.loads((FOLDER / f"{name}.scores.json").read_text())


def check_emissions(name: str, teacher: ArchiveTeacher) -> None:
    wanted = expected(name)
    found = teacher.score([Sentence(tuple(words)) for words in SENTENCES])
    for row, scores in zip(found.emissions, wanted["emissions"]):
        torch.testing.assert_close(row[: len(scores)], torch.tensor(scores), rtol=0, atol=1e-5)
    torch.testing.assert_close(
        found.transitions, torch.tensor(wanted["transitions"]), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_stock_tagger_teaches(name, tmp_path):
    transformer = tmp_path / "transformer"
    shutil.copytree(FOLDER / name, transformer)
    write_weights(transformer, seed=9)
    path = FOLDER / f"{name}_tagger.tar.gz"
    check_emissions(f"{name}_tagger", ArchiveTeacher(str(path), -1, transformer=str(transformer)))


def test_a_stock_parser_teaches(world):
    wanted = expected("bert_parser")
    path = str(FOLDER / "bert_parser.tar.gz")
    teacher = ArchiveTeacher(path, -1, transformer="tiny-bert")
    found = teacher.score([Sentence(tuple(words)) for words in SENTENCES])
    labels = found.labels
    labels = found.label_scores()
    for row, words in enumerate(SENTENCES):
        length = len(words)
        arcs = found.arcs[row, :length, : length + 1]
        torch.testing.assert_close(arcs, torch.tensor(wanted["arcs"][row]), rtol=0, atol=1e-5)
        scores = labels[row, :length, : length + 1]
        torch.testing.assert_close(scores, torch.tensor(wanted["labels"][row]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", STUDENTS)
def test_a_student_teaches(name, world):
    transformer = None if "layers" in name else "tiny-bert"
    path = str(FOLDER / f"{name}.tar.gz")
    check_emissions(name, ArchiveTeacher(path, -1, transformer=transformer))


@pytest.mark.parametrize("name", STUDENTS)
def test_stock_opens_a_student(name, world):
    """As `allennlp evaluate` and `allennlp predict` do."""
    if name == "bert_distilled":
        shutil.copy(FOLDER / "bert_tagger.tar.gz", "teacher.tar.gz")
    archive = load_archive(str(FOLDER / f"{name}.tar.gz"))
    reader = getattr(archive.dataset_reader, "wrapped", archive.dataset_reader)
    batch = Batch([reader.text_to_instance([Token(word) for word in words]) for words in SENTENCES])
    batch.index_instances(archive.model.vocab)
    found = archive.model.eval()(**batch.as_tensor_dict())["logits"]
    for row, scores in zip(found, expected(name)["emissions"]):
        torch.testing.assert_close(row[: len(scores)], torch.tensor(scores), rtol=0, atol=1e-5)
