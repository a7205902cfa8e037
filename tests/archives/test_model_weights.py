"""Weights that other versions of `transformers` saved."""

import re

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel, GPT2Config, GPT2Model

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.model_weights import load_weights, reconcile_buffers


class Embeddings(nn.Module):
    """An embedding whose buffer is saved with its weights, or is not."""

    authorized_missing_keys = [r"^words\.optional$"]

    def __init__(self, persistent: bool = True) -> None:
        super().__init__()
        self.words = nn.Embedding(2, 3)
        self.words.register_parameter("optional", nn.Parameter(torch.zeros(1)))
        self.register_buffer("position_ids", torch.arange(4).expand(1, -1), persistent=persistent)


def state(**changes):
    made = Embeddings().state_dict()
    made.update(changes)
    return {key: value for key, value in made.items() if value is not None}


@pytest.mark.parametrize("persistent", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_a_constant_buffer_may_be_there_or_not(persistent, there):
    given = state() if there else state(position_ids=None)
    module = Embeddings(persistent)
    load_weights(module, given, "here")
    assert torch.equal(module.words.weight, given["words.weight"])
    assert torch.equal(module.position_ids, torch.arange(4).expand(1, -1))
    assert ("position_ids" in given) == there  # what was given is not changed


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"position_ids": torch.tensor([[1, 2, 3, 4]])}, "position_ids is unexpected"),
        ({"position_ids": torch.arange(5).expand(1, -1)}, "position_ids is unexpected"),
        ({"far.position_ids": torch.tensor([[1, 0]])}, "far.position_ids is unexpected"),
        ({"word_position_ids": torch.arange(4)}, "word_position_ids is unexpected"),
        ({"words.weight": None}, "words.weight is missing"),
        ({"words.bias": torch.zeros(1)}, "words.bias is unexpected"),
        (
            {"words.weight": torch.zeros(3, 3)},
            "words.weight has shape (3, 3), expected (2, 3)",
        ),
        ({f"w{i}": torch.zeros(1) for i in range(7)}, "w4 is unexpected; and 2 more"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ArchiveError, match="weights of here do not fit.*" + re.escape(message)):
        load_weights(Embeddings(persistent=False), state(**changes), "here")


def test_a_parameter_that_its_class_allows_to_be_absent():
    outer = nn.Sequential(Embeddings())
    given = {f"0.{key}": value for key, value in state(**{"words.optional": None}).items()}
    load_weights(outer, given, "here")
    assert torch.equal(outer[0].words.weight, given["0.words.weight"])


def test_a_buffer_that_no_version_still_has():
    given = state(**{"layer.attn.masked_bias": torch.tensor(-1e4)})
    load_weights(Embeddings(), given, "here")
    with pytest.raises(ArchiveError, match="masked_bias is unexpected"):
        load_weights(Embeddings(), {**given, "layer.attn.masked_bias": torch.tensor(1.0)}, "here")


def test_a_prefix_keeps_others_apart():
    given = {"a.position_ids": torch.arange(4).expand(1, -1), "b.position_ids": torch.arange(4)}
    reconcile_buffers(Embeddings(persistent=False), given, "a.")
    assert list(given) == ["b.position_ids"]


@pytest.mark.parametrize(
    "model, buffers",
    [
        (
            BertModel(BertConfig(vocab_size=4, hidden_size=4, num_hidden_layers=1,
                                 num_attention_heads=2, intermediate_size=4)),
            {"embeddings.position_ids": torch.arange(512).expand(1, -1),
             "embeddings.token_type_ids": torch.zeros(1, 512, dtype=torch.long)},
        ),
        (
            GPT2Model(GPT2Config(vocab_size=4, n_embd=4, n_layer=1, n_head=2, n_positions=8)),
            {"h.0.attn.bias": torch.ones(1, 1, 8, 8, dtype=torch.uint8).tril(),
             "h.0.attn.masked_bias": torch.tensor(-1e4)},
        ),
    ],
)  # fmt: skip
def test_each_version_of_a_transformer_loads(model, buffers):
    """What older versions save, and what newer ones do."""
    weights = {name: value.detach().clone() for name, value in model.named_parameters()}
    for given in (weights, {**weights, **buffers}):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()
        load_weights(model, given, "here")
        for name, value in model.named_parameters():
            assert torch.equal(value, weights[name])
