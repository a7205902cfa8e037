import pytest
import torch
from allennlp.common.checks import ConfigurationError
from torch.nn import Linear, Module, ModuleList
from transformers import BertConfig

from allennlp_kd.modules.layer_selection import LayeredWeights, choose_layers, layer_list_name


class TestChooseLayers:
    @pytest.mark.parametrize(
        "layers, expected",
        [(None, [0, 1, 2, 3]), (1, [0]), (4, [0, 1, 2, 3]), ([0, 2], [0, 2]), ([3, 1], [3, 1])],
    )
    def test_gives_the_indices(self, layers, expected):
        assert choose_layers(layers, 4) == expected

    @pytest.mark.parametrize(
        "layers, message",
        [
            (0, "between 1 and 4.*found 0"),
            (5, "between 1 and 4.*found 5"),
            ([], "at least one layer"),
            ([0, 4], r"from 0 to 3.*4 layers; found 4 in \[0, 4\]"),
            ([-1], "found -1"),
            ([True], "found True"),
            ([2, 1, 2], r"found 2 twice in \[2, 1, 2\]"),
        ],
    )
    def test_refuses_what_the_transformer_lacks(self, layers, message):
        with pytest.raises(ConfigurationError, match=message):
            choose_layers(layers, 4)


class Lists(Module):
    def __init__(self, **lengths: int) -> None:
        super().__init__()
        for name, length in lengths.items():
            self.add_module(name, ModuleList([Linear(1, 1) for _ in range(length)]))


class TestLayerListName:
    def test_finds_the_list_of_that_length(self):
        assert layer_list_name(Lists(other=2, layer=3), 3) == "layer"

    def test_does_not_count_lists_inside_a_layer(self):
        model = Lists(layer=2)
        model.layer[0] = Lists(heads=2)
        assert layer_list_name(model, 2) == "layer"

    def test_refuses_a_model_without_one(self):
        with pytest.raises(ConfigurationError, match="all 3 layers.*in Lists found none"):
            layer_list_name(Lists(layer=2), 3)

    def test_refuses_a_model_with_two(self):
        with pytest.raises(ConfigurationError, match="found 2: encoder, decoder"):
            layer_list_name(Lists(encoder=3, decoder=3), 3)


class TestLayeredWeights:
    def weights(self, state) -> LayeredWeights:
        return LayeredWeights(BertConfig(), state, "layer", 3, "here")

    def state(self):
        state = {f"layer.{i}.weight": torch.full((1, 1), float(i)) for i in range(3)}
        return {**state, **{f"layer.{i}.bias": torch.zeros(1) for i in range(3)}}

    def test_moves_each_layer_to_its_place(self):
        model = Lists(layer=2)
        self.weights(self.state()).load_into(model, [2, 0])
        assert [layer.weight.item() for layer in model.layer] == [2.0, 0.0]

    def test_names_what_does_not_fit(self):
        state = self.state()
        state["layer.0.weight"] = torch.zeros(2, 1)
        state["extra"] = torch.zeros(1)
        del state["layer.0.bias"]
        with pytest.raises(ConfigurationError) as error:
            self.weights(state).load_into(Lists(layer=1), [0])
        for part in ("here", "no layer.0.bias", "extra", "(2, 1) instead of (1, 1)"):
            assert part in str(error.value)

    def test_ignores_buffers_and_the_pooler(self):
        state = {
            **self.state(),
            "embeddings.position_ids": torch.zeros(1),
            "pooler.x": torch.ones(1),
        }
        self.weights(state).load_into(Lists(layer=1), [0])

    def test_cuts_the_architecture(self):
        whole = BertConfig(num_hidden_layers=3)
        cut = LayeredWeights(whole, {}, "layer", 3, "here").cut_config([0, 2], 17)
        assert (cut.num_hidden_layers, cut.vocab_size) == (2, 17)
        assert whole.num_hidden_layers == 3
