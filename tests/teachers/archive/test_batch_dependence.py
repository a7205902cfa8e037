"""Scores of a sentence do not depend on other sentences: neither on earlier ones nor on padding."""

import logging
import random

import allennlp_models.lm
import allennlp_models.rc  # noqa: F401 (both register encoders)
import numpy
import pytest
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.models import Model
from allennlp.modules import Seq2SeqEncoder, Seq2VecEncoder

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.archive.batch_dependence import padded_encoders, stateful_encoders
from allennlp_kd.teachers.ensemble.ensemble_teacher import EnsembleTeacher
from allennlp_kd.teachers.store.store_scorer import StoreScorer
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from tests.configs.corpora import write_corpora
from tests.teachers.archive.test_archive import SENTENCES, collated
from tests.teachers.archives import tagger_params, train_tagger

SIZES = {"input_size": 8, "hidden_size": 8}
TWO_LAYERS = {**SIZES, "num_layers": 2}
ATTENTION = {"input_dim": 8, "hidden_dim": 8, "feedforward_hidden_dim": 8, "num_layers": 1}
QANET = {
    "input_dim": 8,
    "hidden_dim": 8,
    "attention_projection_dim": 8,
    "feedforward_hidden_dim": 8,
    "conv_kernel_size": 3,
    "num_attention_heads": 2,
}
ENCODERS = {
    "pass_through": {"input_dim": 8},
    "feedforward": {
        "feedforward": {"input_dim": 8, "num_layers": 1, "hidden_dims": 8, "activations": "relu"}
    },
    "gated-cnn-encoder": {"input_dim": 8, "layers": [[[4, 8]], [[4, 8]]]},
    "gru": SIZES,
    "lstm": {**SIZES, "bidirectional": True},
    "rnn": SIZES,
    "augmented_lstm": SIZES,
    "alternating_lstm": TWO_LAYERS,
    "stacked_bidirectional_lstm": TWO_LAYERS,
    "pytorch_transformer": {
        "input_dim": 8,
        "num_layers": 1,
        "feedforward_hidden_dim": 8,
        "num_attention_heads": 2,
    },
    "compose": {"encoders": [{"type": "lstm", **SIZES}]},
    "multi_head_self_attention": {
        "num_heads": 2,
        "input_dim": 8,
        "attention_dim": 8,
        "values_dim": 8,
    },
    "qanet_encoder": {**QANET, "num_convs_per_block": 2, "num_blocks": 1},
    "qanet_encoder_block": {**QANET, "num_convs": 2},
    "stacked_self_attention": {**ATTENTION, "projection_dim": 8, "num_attention_heads": 2},
    "bidirectional_language_model_transformer": {
        "input_dim": 8,
        "hidden_dim": 8,
        "num_layers": 1,
    },
}
WORD_ENCODERS = {
    "bag_of_embeddings": {"embedding_dim": 8},
    "boe": {"embedding_dim": 8},
    "cls_pooler": {"embedding_dim": 8},
    "cnn": {"embedding_dim": 8, "num_filters": 3, "ngram_filter_sizes": [2, 3]},
    "cnn-highway": {
        "embedding_dim": 8,
        "filters": [[2, 4], [3, 4]],
        "num_highway": 1,
        "projection_dim": 8,
    },
    "gru": SIZES,
    "lstm": SIZES,
    "rnn": SIZES,
    "alternating_lstm": TWO_LAYERS,
    "stacked_bidirectional_lstm": TWO_LAYERS,
}
# Stock's class of that name cannot be built, wants a published model, or word pieces.
NOT_TRIED = {"augmented_lstm", "bert_pooler", "bart_encoder"}
WITH_PADDING = {"qanet_encoder", "qanet_encoder_block", "cnn-highway"}


class Holder(torch.nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder


def built(base, name, options):
    torch.manual_seed(0)
    encoder = base.from_params(Params({"type": name, **options})).eval()
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter)
    return encoder


def depends_on_padding(encoder, words: bool) -> bool:
    """Brute force: the same words alone and beside longer ones."""
    inputs = torch.randn(2, 9, 8)
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[0, 4:] = False
    with torch.no_grad():
        batched, alone = encoder(inputs, mask)[0], encoder(inputs[:1, :4], mask[:1, :4])[0]
    return not torch.allclose(batched[:4] if words else batched, alone, atol=1e-4)


def stock(base) -> set:
    """The names of AllenNLP's own encoders."""
    rooms = ("allennlp.", "allennlp_models.")
    return {
        name for name in base.list_available() if base.by_name(name).__module__.startswith(rooms)
    }


def test_every_registered_encoder_is_tried():
    assert stock(Seq2SeqEncoder) - {"bart_encoder"} == set(ENCODERS)
    assert stock(Seq2VecEncoder) - NOT_TRIED == set(WORD_ENCODERS)


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_that_depend_on_padding_are_known(name):
    encoder = built(Seq2SeqEncoder, name, ENCODERS[name])
    assert depends_on_padding(encoder, words=True) == (name in WITH_PADDING)
    assert bool(padded_encoders(Holder(encoder))) == (name in WITH_PADDING)


@pytest.mark.parametrize("name", WORD_ENCODERS)
def test_encoders_of_characters_that_depend_on_padding_are_known(name):
    encoder = built(Seq2VecEncoder, name, WORD_ENCODERS[name])
    assert depends_on_padding(encoder, words=False) == (name in WITH_PADDING)
    assert bool(padded_encoders(Holder(encoder))) == (name in WITH_PADDING)


def test_a_gated_cnn_depends_on_padding_within_its_blocks():
    options = {"input_dim": 8, "layers": [[[4, 8], [4, 8]]]}
    encoder = built(Seq2SeqEncoder, "gated-cnn-encoder", options)
    assert depends_on_padding(encoder, words=True)
    assert padded_encoders(Holder(encoder)) == ["encoder (GatedCnnEncoder)"]


@pytest.fixture(scope="module")
def stateful_tagger(tmp_path_factory) -> str:
    encoder = {"type": "lstm", "input_size": 4, "hidden_size": 3, "stateful": True}
    return train_tagger(tmp_path_factory.mktemp("stateful"), encoder=encoder)


@pytest.fixture(scope="module")
def padding_tagger(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("padding")
    encoder = {**ENCODERS["qanet_encoder"], "type": "qanet_encoder", "input_dim": 4}
    params = tagger_params(write_corpora(folder / "data"), encoder=encoder)
    params["trainer"]["run_confidence_checks"] = False  # stock's encoder fails them
    train_model(Params(params), str(folder / "run"))
    return str(folder / "run" / "model.tar.gz")


@pytest.fixture(scope="module")
def drawing_tagger(tmp_path_factory) -> str:
    encoder = {
        "type": "stacked_bidirectional_lstm",
        "input_size": 4,
        "hidden_size": 3,
        "num_layers": 1,
        "recurrent_dropout_probability": 0.3,
    }
    return train_tagger(tmp_path_factory.mktemp("drawing"), encoder=encoder)


def test_state_is_reset_before_each_batch(stateful_tagger, caplog):
    teacher = ArchiveTeacher(stateful_tagger)
    with caplog.at_level(logging.WARNING):
        inputs = collated(teacher)["value"]
    assert "keeps state between batches in encoder (LstmSeq2SeqEncoder)" in caplog.text
    assert stateful_encoders(teacher.model) == ["encoder (LstmSeq2SeqEncoder)"]
    first, second = (teacher.potentials(inputs).emissions for _ in range(2))
    assert torch.equal(first, second)
    # The test would notice: stock's forward carries the state over.
    stock = [teacher.model(tokens=inputs["tokens"])["logits"] for _ in range(2)]
    assert not torch.allclose(*stock)


def test_a_resumed_store_is_the_uninterrupted_one(stateful_tagger, tmp_path):
    sentences = [Sentence(words) for words in SENTENCES]
    whole = StoreTeacher(str(tmp_path / "whole"), ArchiveTeacher(stateful_tagger), batch_size=1)
    whole.fill(sentences)
    resumed = StoreTeacher(str(tmp_path / "resumed"), ArchiveTeacher(stateful_tagger), batch_size=1)
    for sentence in sentences:
        resumed.fill([sentence])
    found, expected = (
        each.potentials(collated(each)["value"]).emissions for each in (resumed, whole)
    )
    assert torch.equal(found, expected)


def test_a_store_scores_one_by_one_where_padding_counts(
    padding_tagger, tagger_archive, tmp_path, caplog, monkeypatch
):
    teacher = ArchiveTeacher(padding_tagger)
    with caplog.at_level(logging.WARNING):
        assert teacher.scores_one_by_one
    assert "depend on a batch's padding, because encoder (QaNetEncoder)" in caplog.text
    assert not ArchiveTeacher(tagger_archive).scores_one_by_one
    assert EnsembleTeacher([ArchiveTeacher(tagger_archive), teacher]).scores_one_by_one

    sizes = []
    score = StoreScorer._score
    monkeypatch.setattr(
        StoreScorer, "_score", lambda self, batch: sizes.append(len(batch)) or score(self, batch)
    )
    store = StoreTeacher(str(tmp_path / "store"), teacher)
    store.fill([Sentence(words) for words in SENTENCES])
    assert sizes == [1, 1, 1]
    found = store.potentials(collated(store)["value"])
    live = teacher.potentials(collated(teacher)["value"])
    for row, words in enumerate(SENTENCES):
        alone = teacher.potentials(collated(teacher, [words])["value"]).emissions[0]
        assert torch.equal(found.emissions[row, : len(words)], alone)
    # The test would notice.
    assert not torch.allclose(found.emissions[1, 0], live.emissions[1, 0])


def states():
    return random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()


def test_scores_draw_nothing_from_the_random_numbers_of_training(drawing_tagger, tmp_path):
    store = StoreTeacher(str(tmp_path / "store"), ArchiveTeacher(drawing_tagger))
    before = states()
    store.fill([Sentence(words) for words in SENTENCES])
    assert states() == before
    # The test would notice.
    teacher = ArchiveTeacher(drawing_tagger)
    teacher.potentials(collated(teacher)["value"])
    assert states() != before
    assert isinstance(teacher.model, Model)
