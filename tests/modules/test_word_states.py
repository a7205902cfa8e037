import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.modules.seq2seq_encoders import PassThroughEncoder
from allennlp.modules.text_field_embedders import BasicTextFieldEmbedder
from allennlp.modules.token_embedders import (
    Embedding,
    PassThroughTokenEmbedder,
    PretrainedTransformerMismatchedEmbedder,
)

from allennlp_kd.modules.pretrained_transformer_layers_embedder import (
    PretrainedTransformerLayersEmbedder,
)
from allennlp_kd.modules.pretrained_transformer_layers_indexer import (
    PretrainedTransformerLayersIndexer,
)
from allennlp_kd.modules.word_states import WordStates
from tests.modules.test_pretrained_transformer_layers import tensors


class Tagger(torch.nn.Module):
    """As much of a tagger as has states."""

    def __init__(self, *embedders):
        super().__init__()
        names = ["t", "u"][: len(embedders)]
        self.text_field_embedder = BasicTextFieldEmbedder(dict(zip(names, embedders)))
        self.encoder = PassThroughEncoder(self.text_field_embedder.get_output_dim())

    def forward(self, text):
        return self.encoder(self.text_field_embedder(text), text["t"]["mask"]) * 2


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
@pytest.mark.parametrize("max_length", [None, 6])
def test_a_layer_is_what_a_transformer_cut_behind_it_gives(checkpoint, kind, max_length):
    name = checkpoint(kind)
    text = {"t": tensors(PretrainedTransformerLayersIndexer(name, max_length=max_length))}
    model = Tagger(PretrainedTransformerLayersEmbedder(name, max_length=max_length)).eval()
    states = WordStates(model, [0, 2, "encoder", "embedder", 2], "the student")
    assert states.widths == {0: 8, 2: 8, "encoder": 8, "embedder": 8}
    with states.recorded() as found:
        output = model(text)
    assert list(found) == [0, 2, "encoder", "embedder"]
    torch.testing.assert_close(found["encoder"], output / 2)
    mask = text["t"]["mask"]
    torch.testing.assert_close(found["embedder"][mask], found["encoder"][mask])
    for layer in (0, 2):
        cut = PretrainedTransformerLayersEmbedder(name, layer + 1, max_length=max_length).eval()
        torch.testing.assert_close(found[layer], cut(**text["t"]))


def test_gradients_reach_the_layers_below_alone(checkpoint):
    name = checkpoint("bert")
    model = Tagger(PretrainedTransformerLayersEmbedder(name, 3)).eval()
    with WordStates(model, [1], "the student").recorded() as found:
        model({"t": tensors(PretrainedTransformerLayersIndexer(name))})
    found[1].square().sum().backward()
    layers = model.text_field_embedder.token_embedder_t._matched_embedder.transformer_model.encoder
    gradients = [layer.output.dense.weight.grad is not None for layer in layers.layer]
    assert gradients == [True, True, False]


def test_a_scalar_mix_is_left_out_of_a_layer(checkpoint):
    name = checkpoint("bert")
    embedder = PretrainedTransformerMismatchedEmbedder(name, last_layer_only=False)
    model = Tagger(embedder).eval()
    text = {"t": tensors(PretrainedTransformerLayersIndexer(name))}
    before = model(text)
    with WordStates(model, [3], "the teacher").recorded() as found:
        model(text)
    last = PretrainedTransformerMismatchedEmbedder(name).eval()
    torch.testing.assert_close(found[3], last(**text["t"]))
    # The model is as it was: no hook, no part is missing.
    assert not any(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())
    assert torch.equal(model(text), before)


def test_nothing_is_left_after_a_failure():
    model = Tagger(PassThroughTokenEmbedder(3))
    with pytest.raises(RuntimeError, match="of the model"):
        with WordStates(model, ["encoder"], "the student").recorded():
            raise RuntimeError("of the model")
    assert not any(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


class TestRefuses:
    def refused(self, model, layer, match):
        with pytest.raises(ConfigurationError, match=match):
            WordStates(model, [layer], "the student")

    def test_an_unknown_layer(self):
        match = "one of encoder, embedder, or the index .* found 'logits' of the student, a Tagger"
        self.refused(Tagger(PassThroughTokenEmbedder(3)), "logits", match)

    def test_a_model_without_an_encoder(self):
        self.refused(torch.nn.Linear(1, 1), "encoder", "'encoder' of the student, a Linear")

    def test_an_index_without_a_transformer(self):
        match = "the student has 0 embedders of type pretrained_transformer_mismatched"
        self.refused(Tagger(Embedding(3, num_embeddings=4)), 0, match)

    def test_more_than_one_transformer(self, checkpoint):
        embedders = [PretrainedTransformerLayersEmbedder(checkpoint(), 1) for _ in range(2)]
        self.refused(Tagger(*embedders), 0, "the student has 2 embedders")

    @pytest.mark.parametrize("index", [-1, 2])
    def test_a_layer_that_is_not_there(self, checkpoint, index):
        model = Tagger(PretrainedTransformerLayersEmbedder(checkpoint(), 2))
        self.refused(model, index, f"has the transformer layers 0 to 1, found {index}")

    def test_gradient_checkpointing(self, checkpoint):
        model = Tagger(PretrainedTransformerLayersEmbedder(checkpoint(), 2))
        transformer = model.text_field_embedder.token_embedder_t._matched_embedder.transformer_model
        transformer.gradient_checkpointing_enable()
        self.refused(model, 0, "gradient_checkpointing, which recomputes layer 0")
