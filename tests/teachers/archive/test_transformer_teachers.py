"""Teachers with transformers: their limits, their word pieces, and AllenNLP's cache."""

import pytest
import torch
from allennlp.common import cached_transformers
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, Token
from allennlp.models import load_archive

from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from tests.modules.conftest import save_bert, save_roberta
from tests.teachers.archive.test_archive import collated
from tests.teachers.archives import train_tagger


def train(folder, checkpoint, **options):
    piece = {"type": "pretrained_transformer_mismatched", "model_name": str(checkpoint), **options}
    return train_tagger(
        folder,
        indexer=piece,
        text_field_embedder={"token_embedders": {"tokens": piece}},
        encoder={"type": "pass_through", "input_dim": 8},
    )


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_bert(tmp_path_factory.mktemp("bert") / "checkpoint", depth=2)


@pytest.fixture(scope="module")
def archive(tmp_path_factory, checkpoint):
    return train(tmp_path_factory.mktemp("transformer"), checkpoint)


def test_scores_are_those_of_the_stock_model(archive):
    # The first word of the second sentence has no word pieces, the second has two.
    sentences = [("the", "cat"), ("\u200b", "cats", "a"), (" ",)]
    teacher = ArchiveTeacher(archive, trust=True)
    found = teacher.potentials(collated(teacher, sentences)["value"])
    assert torch.isfinite(found.emissions).all()
    stock = load_archive(archive)
    stock.model.eval()
    batch = Batch([stock.dataset_reader.text_to_instance([Token(w) for w in s]) for s in sentences])
    batch.index_instances(stock.model.vocab)
    expected = stock.model(**batch.as_tensor_dict())
    torch.testing.assert_close(found.emissions, expected["logits"], rtol=0, atol=0)
    # A word without pieces has the vector of zeros, so its scores are the bias.
    torch.testing.assert_close(
        found.emissions[1, 0], stock.model.tag_projection_layer._module.bias.data
    )


def test_the_cache_of_transformers_is_left_alone(archive, checkpoint, monkeypatch):
    monkeypatch.setattr(cached_transformers, "_model_cache", {})
    shallow = cached_transformers.get(str(checkpoint), False, num_hidden_layers=1)
    embedder = (
        ArchiveTeacher(archive, trust=True)._load().model.text_field_embedder.token_embedder_tokens
    )
    assert len(embedder._matched_embedder.transformer_model.encoder.layer) == 2
    assert list(cached_transformers._model_cache.values()) == [shallow]
    assert len(shallow.encoder.layer) == 1


def test_a_sentence_longer_than_the_limit(archive):
    longest = ["cat"] * 30  # and two special pieces
    collated(ArchiveTeacher(archive, trust=True), [longest])
    message = "sentence of 31 words is 33 word pieces long, .* takes at most 32: 'cat cat cat .*max_length"
    with pytest.raises(ConfigurationError, match=message):
        collated(ArchiveTeacher(archive, trust=True), [longest + ["cat"]])


def test_a_teacher_that_folds_takes_any_length(tmp_path, checkpoint):
    teacher = ArchiveTeacher(
        train(tmp_path, checkpoint, max_length=16), transformer=str(checkpoint)
    )
    found = teacher.potentials(collated(teacher, [["cat"] * 100])["value"])
    assert found.lengths.tolist() == [100]


def test_positions_that_start_behind_the_padding(tmp_path):
    teacher = ArchiveTeacher(
        train(tmp_path, save_roberta(tmp_path / "roberta", depth=1)), trust=True
    )
    assert teacher._open().limit == 30
    found = teacher.potentials(collated(teacher, [["a"] * 14])["value"])
    assert torch.isfinite(found.emissions).all()
