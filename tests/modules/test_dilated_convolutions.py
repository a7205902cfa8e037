"""The encoder `dilated_convolutions`."""

import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.confidence_checks.normalization_bias_verification import NormalizationBiasVerification
from allennlp.modules import Seq2SeqEncoder
from torch.nn import Sequential, functional as F

import allennlp_kd.modules.dilated_convolutions  # noqa: F401


def encoder(**options):
    torch.manual_seed(0)
    config = {"type": "dilated_convolutions", "input_dim": 4, "dilations": [1, 2, 4]}
    module = Seq2SeqEncoder.from_params(Params({**config, **options}))
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return module.double().eval()


def by_hand(module, sentence, dilations, activation):
    """The outputs of one sentence, word by word; shape (length, input_dim)."""
    states = sentence if module.projection is None else module.projection(sentence)
    size = states.shape[1]
    for dilation, layer, norm in zip(dilations, module.layers, module.norms):
        rows = []
        for place in range(len(states)):
            window = []
            for other in (place - dilation, place, place + dilation):
                inside = 0 <= other < len(states)
                window.append(states[other] if inside else torch.zeros(size).double())
            values = layer.weight @ torch.cat(window) + layer.bias
            parts = values.split(size)
            if activation == "glu":
                value = parts[0] * torch.sigmoid(parts[1])
            else:
                value = torch.stack(parts).max(dim=0).values
            rows.append(states[place] + F.layer_norm(value, (size,), norm.weight, norm.bias))
        states = torch.stack(rows)
    return states


@pytest.mark.parametrize(
    "options",
    [{}, {"pieces": 3}, {"activation": "glu"}, {"hidden_dim": 6}, {"dilations": [3]}],
    ids=str,
)
def test_against_the_sums_by_hand_at_each_length(options):
    module = encoder(**options)
    dilations = options.get("dilations", [1, 2, 4])
    lengths = [7, 1, 3, 2]
    inputs = torch.randn(4, 7, 4).double()
    mask = torch.arange(7) < torch.tensor(lengths)[:, None]
    outputs = module(inputs, mask)
    assert outputs.shape == (4, 7, module.get_output_dim())
    for row, length in enumerate(lengths):
        expected = by_hand(
            module, inputs[row, :length], dilations, options.get("activation", "maxout")
        )
        torch.testing.assert_close(outputs[row, :length], expected)
        assert (outputs[row, length:] == 0).all()


@pytest.mark.parametrize("filling", [1e6, float("nan"), float("inf")])
def test_padding_has_no_influence(filling):
    module = encoder(hidden_dim=5)
    inputs = torch.randn(2, 5, 4).double()
    mask = torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
    padded = inputs.clone()
    padded[~mask] = filling
    wide = F.pad(padded, (0, 0, 0, 4), value=filling)
    outputs = module(wide, F.pad(mask, (0, 4)))
    torch.testing.assert_close(outputs[:, :5], module(inputs, mask), rtol=0, atol=1e-12)
    torch.testing.assert_close(outputs[1, :2], module(inputs[1:, :2])[0], rtol=0, atol=1e-12)


def test_padding_has_no_influence_on_gradients():
    module = encoder()
    inputs = torch.randn(1, 6, 4).double().requires_grad_()
    mask = torch.tensor([[True] * 3 + [False] * 3])
    module(inputs, mask).square().sum().backward()
    assert (inputs.grad[0, 3:] == 0).all()
    alone = inputs.detach()[:, :3].requires_grad_()
    module(alone).square().sum().backward()
    torch.testing.assert_close(inputs.grad[:, :3], alone.grad)


def test_how_far_a_word_sees():
    module = encoder(dilations=[1, 2])
    inputs = torch.randn(1, 9, 4).double()
    changed = inputs.clone()
    changed[0, 4] += 1.0
    differ = (module(inputs) != module(changed)).any(dim=-1)[0]
    assert differ.tolist() == [1 <= place <= 7 for place in range(9)]


def test_dropout_in_training_alone():
    module = encoder(dropout=0.5)
    inputs = torch.randn(1, 3, 4).double()
    torch.testing.assert_close(module(inputs), module(inputs))
    module.train()
    assert not torch.equal(module(inputs), module(inputs))


def test_weights_have_simple_names():
    shapes = {
        name: tuple(value.shape) for name, value in encoder(hidden_dim=5).state_dict().items()
    }
    assert shapes["projection.weight"] == (5, 4)
    assert shapes["layers.2.weight"] == (10, 15)
    assert shapes["norms.2.bias"] == (5,)
    assert "projection.weight" not in encoder(hidden_dim=4).state_dict()


def test_dimensions():
    module = encoder(hidden_dim=6)
    assert (module.get_input_dim(), module.get_output_dim()) == (4, 6)
    assert not module.is_bidirectional()


@pytest.mark.parametrize(
    "options,message",
    [
        ({"input_dim": 0}, "input_dim and hidden_dim .* at least 1, found 0"),
        ({"dilations": []}, r"dilations .* at least 1, found \[\]"),
        ({"dilations": [1, 0]}, r"dilations .* at least 1, found \[1, 0\]"),
        ({"activation": "relu"}, "must be one of maxout, glu, found 'relu'"),
        ({"activation": "glu", "pieces": 3}, "pieces is an option of maxout only, found 3"),
        ({"pieces": 0}, "pieces must be at least 1, found 0"),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\), found 1.0"),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(ConfigurationError, match=message):
        encoder(**options)


@pytest.mark.parametrize("activation", ["maxout", "glu"])
def test_allennlps_confidence_check_finds_no_useless_bias(activation):
    model = Sequential(encoder(activation=activation).train())
    check = NormalizationBiasVerification(model)
    check.register_hooks()
    model(torch.randn(1, 3, 4).double())
    check.destroy_hooks()
    check.collect_detections()
    assert check.detected_pairs == []
