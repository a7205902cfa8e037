"""A packaged parser says what AllenNLP says."""

import itertools
from typing import Any

import numpy
import pytest

from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import sum_up
from spacy_bridge.runtime.open_student import open_student
from spacy_bridge.runtime.packaged_parser import PackagedParser
from tests.spacy_bridge.archives import parser, predict

CONFIGS = {
    "lstm": parser(),
    "highways": parser(
        encoder={"type": "stacked_bidirectional_lstm", "input_size": 31, "hidden_size": 6,
                 "num_layers": 3, "recurrent_dropout_probability": 0.3}
    ),
    "own feed-forward networks": parser(
        encoder={"type": "pass_through", "input_dim": 31},
        arc_feedforward={"input_dim": 31, "num_layers": 2, "hidden_dims": [9, 8],
                         "activations": ["relu", "linear"], "dropout": 0.2},
        tag_feedforward={"input_dim": 31, "num_layers": 1, "hidden_dims": 5, "activations": "tanh"},
        dropout=0.3, input_dropout=0.1,
    ),
}  # fmt: skip


def opened(path: Any, **options: Any) -> PackagedParser:
    files = student_files(path, **options)
    return open_student({**files, "manifest.json": sum_up(files)})


@pytest.mark.parametrize("name", CONFIGS)
def test_equals_allennlp(name: str, archive_of: Any, sentences: Any) -> None:
    path = archive_of(CONFIGS[name], scale=1.5)  # scores of more saturate stock's probabilities
    # A word that stands twice is two equally good heads where the encoder passes it through.
    sentences = [list(dict.fromkeys(words)) for words in sentences]
    found = opened(path)(sentences)
    expected = predict(path, sentences)
    for words, output, parsed in zip(sentences, expected, found):
        assert parsed.heads == list(output["predicted_heads"]), words
        assert parsed.labels == output["predicted_dependencies"], words
    assert len({label for parsed in found for label in parsed.labels}) > 2
    # Not every tree hangs from left to right or the like
    assert len({head - place for parsed in found for place, head in enumerate(parsed.heads)}) > 5


def arc_tables(path: Any, words: Any) -> Any:
    """log p(head) and log p(label | arc) of each arc, from AllenNLP's model: by its own modules."""
    import torch
    from allennlp.models import load_archive
    from allennlp.nn.util import move_to_device

    archive = load_archive(str(path))
    model = archive.model.eval()
    instance = archive.dataset_reader.text_to_instance(words, ["X"] * len(words))
    archive.dataset_reader.apply_token_indexers(instance)
    instance.index_fields(model.vocab)
    from allennlp.data import Batch

    tensors = move_to_device(Batch([instance]).as_tensor_dict(), -1)
    with torch.no_grad():
        text = model.text_field_embedder(tensors["words"])
        encoded = model.encoder(text, torch.ones(1, len(words), dtype=torch.bool))
        encoded = torch.cat([model._head_sentinel.expand(1, 1, encoded.shape[2]), encoded], 1)
        arcs = model.arc_attention(
            model.head_arc_feedforward(encoded), model.child_arc_feedforward(encoded)
        )[0]
        heads, children = model.head_tag_feedforward(encoded), model.child_tag_feedforward(encoded)
        nodes = len(words) + 1
        # Shape: (dependent, head, labels)
        labels = model.tag_bilinear(
            heads.expand(nodes, nodes, -1).contiguous(),
            children[0][:, None].expand(nodes, nodes, -1).contiguous(),
        ).log_softmax(2)
    return arcs.log_softmax(1).double().numpy()[1:], labels.double().numpy()[1:]


def test_exact_decoder_finds_the_best_tree_of_all(archive_of: Any) -> None:
    path = archive_of(CONFIGS["lstm"])
    exact, differ = opened(path, decoder="exact"), 0
    cases = [["a"], ["The", "fox"], ["in", "London", "x"], "a man a plan".split(),
             "Never odd or even .".split(), ["dogs", "x", "The", "😀", "said"]]  # fmt: skip
    for words, parsed in zip(cases, exact(cases)):
        arcs, labels = arc_tables(path, words)
        table = arcs + labels.max(2)
        trees = [
            heads
            for heads in itertools.product(range(len(words) + 1), repeat=len(words))
            if heads.count(0) == 1 and reaches_root(heads)
        ]
        scores = [sum(table[place, head] for place, head in enumerate(heads)) for heads in trees]
        best = trees[int(numpy.argmax(scores))]
        assert parsed.heads == list(best), words
        names = [exact.labels[labels[place, head].argmax()] for place, head in enumerate(best)]
        assert parsed.labels == names
        stock = opened(path)([words])[0]
        differ += stock.heads != parsed.heads
    assert exact.decoder == "exact"


def reaches_root(heads: Any) -> bool:
    for node in range(1, len(heads) + 1):
        for _ in heads:
            node = heads[node - 1] if node else 0
        if node:
            return False
    return True
