"""Against a brute-force twin: inputs of growing length until one fails."""

import pytest
import torch
import transformers
from torch import nn
from transformers import AutoConfig, AutoModelForTokenClassification

from allennlp_kd.archives.carried_files import ARCHITECTURES
from allennlp_kd.archives.position_limit import position_limit

MOST, TRIED = 20, 24
SIZES = {
    "vocab_size": 11,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": MOST,
    "pad_token_id": 1,
}
EMBEDDED = dict.fromkeys(("embedding_size", "input_embedding_size", "output_embedding_size"), 8)
FUNNEL = {
    "vocab_size": 11,
    "d_model": 8,
    "n_head": 2,
    "d_head": 4,
    "d_inner": 8,
    "block_sizes": [1],
}
XLNET = {"vocab_size": 11, "d_model": 8, "n_head": 2, "d_inner": 8, "n_layer": 1}
DEBERTA = {**SIZES, "relative_attention": True, "position_biased_input": False}
OPTIONS = {
    **{kind: {**SIZES, **EMBEDDED} for kind in ARCHITECTURES},
    "funnel": FUNNEL,
    "xlnet": XLNET,
    "deberta, relative": {**DEBERTA, "pos_att_type": ["c2p"]},
    "deberta-v2, relative": {**DEBERTA, "pos_att_type": ["c2p"]},
}
BEYOND = ("modernbert",)  # it computes positions, so only its configuration states a limit


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_is_the_longest_input_that_runs(name):
    kind = name.split(",")[0]
    if kind not in transformers.CONFIG_MAPPING:
        pytest.skip(f"transformers {transformers.__version__} has no {kind}")
    config = AutoConfig.for_model(kind, **OPTIONS[name])
    network = AutoModelForTokenClassification.from_config(config).eval()
    limit = position_limit(network)
    if kind in BEYOND:
        assert limit == MOST
        return
    longest = 0
    for length in range(1, TRIED + 1):
        pieces = torch.full((1, length), 5)
        try:
            with torch.no_grad():
                network(input_ids=pieces, attention_mask=torch.ones_like(pieces))
        except (IndexError, RuntimeError):
            break
        longest = length
    assert longest == (TRIED if limit is None else limit)


def test_a_network_without_positions():
    assert position_limit(nn.Linear(1, 1)) is None
