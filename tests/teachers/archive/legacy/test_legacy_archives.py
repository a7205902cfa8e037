"""Archives score on each stack as they did on the one that wrote them."""

import json
import shutil
from pathlib import Path
from typing import Any, Dict

import pytest
import torch
from allennlp.data import Batch, Token
from allennlp.models import load_archive

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.archives.extraction import extracted
from allennlp_kd.archives.tensors import load_tensors
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.models.distillation import Distillation
from allennlp_kd.modules.pretrained_transformer_layers_embedder import (
    PretrainedTransformerLayersEmbedder,
)
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from tests.models.fake_teacher import FakeTeacher
from tests.teachers.archive.legacy.tiny_transformers import TRANSFORMERS, write_weights
from tests.teachers.archive.legacy.write_archives import MODERN, SENTENCES

FOLDER = Path(__file__).parent
STUDENTS = [
    *((FOLDER, f"{name}_student") for name in ("bert", "bert_layers", "roberta_layers")),
    (FOLDER, "bert_distilled"),
    *((MODERN, f"{name}_student") for name in ("bert", "bert_layers")),
]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory in which the archives' names of transformers can be resolved."""
    for name in ("bert", "roberta"):
        shutil.copytree(FOLDER / name, tmp_path / f"tiny-{name}")
        write_weights(tmp_path / f"tiny-{name}", seed=9)  # other weights than the archives'
    monkeypatch.chdir(tmp_path)
    return tmp_path


def expected(name: str, folder: Path = FOLDER) -> Dict[str, Any]:
    return json.loads((folder / f"{name}.scores.json").read_text())


def check_emissions(name: str, teacher: ArchiveTeacher, folder: Path = FOLDER) -> None:
    wanted = expected(name, folder)
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


@pytest.mark.parametrize("folder, name", STUDENTS)
def test_a_student_teaches(folder, name, world):
    transformer = None if "layers" in name else "tiny-bert"
    path = str(folder / f"{name}.tar.gz")
    check_emissions(name, ArchiveTeacher(path, -1, transformer=transformer), folder)


def test_a_stock_tagger_of_the_modern_stack_teaches(world):
    path = str(MODERN / "roberta_tagger.tar.gz")
    teacher = ArchiveTeacher(path, -1, transformer="tiny-roberta")
    check_emissions("roberta_tagger", teacher, MODERN)


@pytest.mark.parametrize("folder, name", STUDENTS)
def test_stock_opens_a_student(folder, name, world):
    """As `allennlp evaluate` and `allennlp predict` do."""
    if name == "bert_distilled":
        shutil.copy(FOLDER / "bert_tagger.tar.gz", "teacher.tar.gz")
    archive = load_archive(str(folder / f"{name}.tar.gz"))
    reader = getattr(archive.dataset_reader, "wrapped", archive.dataset_reader)
    batch = Batch([reader.text_to_instance([Token(word) for word in words]) for words in SENTENCES])
    batch.index_instances(archive.model.vocab)
    found = archive.model.eval()(**batch.as_tensor_dict())["logits"]
    for row, scores in zip(found, expected(name, folder)["emissions"]):
        torch.testing.assert_close(row[: len(scores)], torch.tensor(scores), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["bert_tagger", "roberta_tagger"])
def test_stock_opens_a_stock_tagger_as_a_student(name, world):
    """As `--overrides` of `allennlp evaluate` and `allennlp predict` has it."""
    overrides = {"model.type": "crf_tagger_student"}
    archive = load_archive(str(FOLDER / f"{name}.tar.gz"), overrides=overrides)
    batch = Batch(
        [archive.dataset_reader.text_to_instance([Token(w) for w in words]) for words in SENTENCES]
    )
    batch.index_instances(archive.model.vocab)
    found = archive.model.eval()(**batch.as_tensor_dict())["logits"]
    for row, scores in zip(found, expected(name)["emissions"]):
        torch.testing.assert_close(row[: len(scores)], torch.tensor(scores), rtol=0, atol=1e-5)


def test_a_checkpoint_is_taken_up(world):
    """As `--recover` does, alone and inside of a distillation, which names weights otherwise."""
    archive = load_archive(str(FOLDER / "bert_student.tar.gz"))
    with extracted(FOLDER / "bert_student.tar.gz") as folder:
        weights = load_tensors(folder / "weights.th", "the archive")
    student = archive.model
    for model in (student, Distillation(student.vocab, student, FakeTeacher(student.labels))):
        torch.nn.init.zeros_(student.tag_projection_layer._module.weight)
        model.load_state_dict(weights)
        found = student.tag_projection_layer._module.weight
        assert torch.equal(found, weights["tag_projection_layer._module.weight"])


def test_a_student_starts_from_the_layers_of_a_legacy_teacher(world):
    embedder = PretrainedTransformerLayersEmbedder(
        "tiny-bert", layers=1, from_archive=str(FOLDER / "bert_tagger.tar.gz")
    )
    with extracted(FOLDER / "bert_tagger.tar.gz") as folder:
        weights = load_tensors(folder / "weights.th", "the archive")
    prefix = "text_field_embedder.token_embedder_tokens._matched_embedder.transformer_model."
    for name, value in embedder._transformer.named_parameters():
        assert torch.equal(value, weights[prefix + name])
