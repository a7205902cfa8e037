"""The indexer `word_features` with the embedder `hashed_embedding`."""

import pickle

import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.confidence_checks.normalization_bias_verification import NormalizationBiasVerification
from allennlp.data import Batch, Instance, Token, TokenIndexer, Vocabulary
from allennlp.data.fields import TextField
from allennlp.modules import TextFieldEmbedder, TokenEmbedder
from allennlp.nn.util import get_text_field_mask
from torch.nn import Sequential, functional as F

import allennlp_kd.modules.hashed_embedding  # noqa: F401
import allennlp_kd.modules.word_features_indexer  # noqa: F401
from spacy_bridge.runtime.words.word_features import WordFeatureHashes

FEATURES = ["lower", "suffix2", "shape"]
ROWS = {"lower": 11, "suffix2": 7, "shape": 3}


def indexer(**options):
    return TokenIndexer.from_params(Params({"type": "word_features", **options}))


def embedder(**options):
    torch.manual_seed(0)
    config = {"type": "hashed_embedding", "output_dim": 5, "width": 4, "features": FEATURES}
    return TokenEmbedder.from_params(Params({**config, "rows": dict(ROWS), **options}))


def batch_of(*sentences, **indexers):
    indexers = indexers or {"tokens": indexer(features=FEATURES)}
    instances = [
        Instance({"tokens": TextField([Token(word) for word in text.split()], indexers)})
        for text in sentences
    ]
    batch = Batch(instances)
    batch.index_instances(Vocabulary.from_instances(instances))
    return batch.as_tensor_dict()["tokens"]


def test_hashes_of_a_batch():
    tensors = batch_of("The cat", "runs")
    hashes = WordFeatureHashes(FEATURES)
    assert tensors["tokens"]["hashes"].tolist() == [
        [hashes("The"), hashes("cat")],
        [hashes("runs"), [0] * 6],
    ]
    assert get_text_field_mask(tensors).tolist() == [[True, True], [True, False]]


def test_a_sentence_without_words_and_a_minimum_length():
    assert batch_of("", "a")["tokens"]["hashes"].shape == (2, 1, 6)
    long = batch_of("a", tokens=indexer(token_min_padding_length=3))
    assert long["tokens"]["hashes"].shape == (1, 3, 16)


def test_no_vocabulary_is_made():
    counter = {}
    indexer().count_vocab_items(Token("cat"), counter)
    assert counter == {}


def test_equal_words_share_one_array_and_a_copy_starts_empty():
    found = indexer()
    first, second = found.tokens_to_indices([Token("cat"), Token("cat")], Vocabulary())["hashes"]
    assert first is second
    copy = pickle.loads(pickle.dumps(found))
    assert (copy.tokens_to_indices([Token("cat")], Vocabulary())["hashes"][0] == first).all()


def test_a_token_without_text_is_refused():
    with pytest.raises(ConfigurationError, match="found a token whose text is None"):
        indexer().tokens_to_indices([Token(text_id=3)], Vocabulary())


def by_hand(module, word):
    """The vector of a word, feature by feature."""
    numbers, vectors, start = WordFeatureHashes(FEATURES)(word), [], 0
    for place, name in enumerate(FEATURES):
        vectors.append(
            sum(
                module.weight[start + number % ROWS[name]]
                for number in numbers[2 * place : 2 * place + 2]
            )
        )
        start += ROWS[name]
    joined = module.joint(torch.cat(vectors))
    highest = torch.stack([max(joined[unit], joined[5 + unit]) for unit in range(5)])
    return F.layer_norm(highest, (5,), module.norm.weight, module.norm.bias)


def test_vectors_against_the_sums_by_hand():
    module = embedder()
    torch.nn.init.normal_(module.norm.bias)
    vectors = module(**batch_of("The cat", "runs")["tokens"])
    assert vectors.shape == (2, 2, 5) and module.get_output_dim() == 5
    for row, place, word in ((0, 0, "The"), (0, 1, "cat"), (1, 0, "runs")):
        torch.testing.assert_close(vectors[row, place], by_hand(module, word))


def test_a_vector_depends_on_the_word_alone():
    module = embedder()
    alone, among = batch_of("cat"), batch_of("the old cat sleeps", "a cat")
    vector = module(**alone["tokens"])[0, 0]
    vectors = module(**among["tokens"])
    torch.testing.assert_close(vectors[0, 2], vector)
    torch.testing.assert_close(vectors[1, 1], vector)


def test_beside_a_known_word_embedding():
    config = {
        "token_embedders": {
            "features": {"type": "hashed_embedding", "output_dim": 5},
            "words": {"type": "embedding", "embedding_dim": 3},
        }
    }
    indexers = {
        "features": indexer(),
        "words": TokenIndexer.from_params(Params({"type": "single_id"})),
    }
    vocab = Vocabulary()
    vocab.add_tokens_to_namespace(["the", "cat"], "tokens")
    field = TextFieldEmbedder.from_params(Params(config), vocab=vocab)
    assert field(batch_of("the cat", **indexers)).shape == (1, 2, 8)


def test_feature_dropout_drops_whole_features_in_training_alone():
    module = embedder(feature_dropout=0.5)
    hashes = batch_of("cat")["tokens"]["hashes"]
    seen = []
    module.joint.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    module.train()
    torch.manual_seed(3)
    for _ in range(20):
        module(hashes)
    module.eval()
    module(hashes)
    whole = seen.pop().view(3, 4)
    kept = torch.stack([(each.view(3, 4) != 0).float().mean(dim=1) for each in seen])
    assert set(kept.flatten().tolist()) == {0.0, 1.0}
    for each in seen:
        doubled = each.view(3, 4)
        torch.testing.assert_close(doubled, torch.where(doubled != 0, 2 * whole, doubled))


def test_weights_have_simple_names():
    assert {name: tuple(value.shape) for name, value in embedder().state_dict().items()} == {
        "weight": (21, 4),
        "joint.weight": (10, 12),
        "joint.bias": (10,),
        "norm.weight": (5,),
        "norm.bias": (5,),
    }


@pytest.mark.parametrize(
    "options,message",
    [
        ({"output_dim": 0}, "output_dim of hashed_embedding must be at least 1, found 0"),
        ({"pieces": 0}, "pieces of hashed_embedding must be at least 1, found 0"),
        ({"feature_dropout": 1.0}, r"feature_dropout must lie in \[0, 1\), found 1.0"),
        ({"rows": {"lower": 2}}, "must name the features lower, suffix2, shape; found lower"),
        ({"rows": {**ROWS, "shape": 0}}, "at least one row, found {'shape': 0}"),
        ({"features": [], "rows": 3}, "at least one feature"),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(ConfigurationError, match=message):
        embedder(**options)


def test_features_that_differ_are_named():
    with pytest.raises(
        ConfigurationError,
        match="3 features, but the indexer word_features has 8: give both the same",
    ):
        embedder()(**batch_of("cat", tokens=indexer())["tokens"])
    with pytest.raises(ConfigurationError, match="unknown word feature 'stem'"):
        indexer(features=["stem"])


def test_allennlps_confidence_check_finds_no_useless_bias():
    model = Sequential(embedder().train())
    check = NormalizationBiasVerification(model)
    check.register_hooks()
    model(batch_of("cat")["tokens"]["hashes"])
    check.destroy_hooks()
    check.collect_detections()
    assert check.detected_pairs == []
