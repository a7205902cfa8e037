"""A packaged parser says what AllenNLP says."""

import itertools
import tempfile
import warnings
from typing import Any

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spacy_bridge import load_student
from spacy_bridge.errors import BridgeError, UnsupportedError
from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import sum_up
from spacy_bridge.runtime.open_student import open_student
from spacy_bridge.runtime.packaged_parser import PackagedParser
from tests.spacy_bridge.archives import make_archive, parser, predict

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


TAGS = ["NOUN", "VERB", "X", "ADP"]
"""The archives' sentences have `X`; the others are in the vocabulary of the tests below."""


def tagged(**options: Any) -> Any:
    return parser(
        encoder={"type": "lstm", "input_size": 36, "hidden_size": 9, "bidirectional": True},
        pos_tag_embedding={"embedding_dim": 5, "vocab_namespace": "pos"},
        **options,
    )


@pytest.fixture(scope="module")
def tagged_archive(tmp_path_factory: Any) -> Any:
    """A parser with a `pos_tag_embedding`, trained on the tags `TAGS`."""
    return make_archive(tmp_path_factory.mktemp("tagged") / "parser", tagged(), scale=1.5, pos=TAGS)


def test_a_parser_that_reads_tags(tagged_archive: Any, sentences: Any) -> None:
    sentences = [list(dict.fromkeys(words)) for words in sentences]
    student = opened(tagged_archive)
    assert student.tag_attribute == "pos"
    known = TAGS + ["never seen"]
    tags = [[known[(place * 7) % 5] for place in range(len(words))] for words in sentences]
    found = student(sentences, tags)
    expected = predict(tagged_archive, sentences, tags)
    for output, parsed in zip(expected, found):
        assert parsed.heads == list(output["predicted_heads"])
        assert parsed.labels == output["predicted_dependencies"]
    others = student(sentences, [["X"] * len(words) for words in sentences])
    assert others != found  # the tags count
    with pytest.raises(BridgeError, match="reads a pos for each word, but none are given"):
        student(sentences)


def test_which_tags_a_parser_reads(tagged_archive: Any, tmp_path: Any) -> None:
    specific = make_archive(tmp_path / "specific", tagged(), pos=["NN", "VB"])
    assert opened(specific).tag_attribute == "tag"
    config = tagged()
    config["dataset_reader"]["use_language_specific_pos"] = True
    assert opened(make_archive(tmp_path / "own", config, pos=TAGS)).tag_attribute == "tag"
    config = tagged()
    config["model"]["pos_tag_embedding"] = {"embedding_dim": 5, "num_embeddings": 3}
    with pytest.raises(UnsupportedError, match="has 3 rows for 6 entries of the namespace 'pos'"):
        opened(make_archive(tmp_path / "few", config, pos=TAGS))


def test_a_component_that_reads_tags(tagged_archive: Any) -> None:
    with pytest.warns(UserWarning, match="'parser' reads token.pos_, but no component before it"):
        nlp = load_student(tagged_archive)
    assert nlp.analyze_pipes()["problems"]["parser"] == ["token.pos"]
    with pytest.raises(BridgeError, match="'parser' reads token.pos_, but the doc has none"):
        nlp("a fox")
    assert len(nlp("")) == 0
    words, tags = ["The", "\n", "fox", "runs"], ["X", "SPACE", "NOUN", "VERB"]
    doc = nlp(Doc(nlp.vocab, words=words, pos=tags))
    (parsed,) = opened(tagged_archive)([["The", "fox", "runs"]], [["X", "NOUN", "VERB"]])
    assert [doc[place].dep_.lower() for place in (0, 2, 3)] == parsed.labels

    nlp = spacy.blank("en")

    @Language.component("all_nouns", assigns=["token.pos"])
    def all_nouns(doc: Doc) -> Doc:
        for token in doc:
            token.pos_ = "NOUN"
        return doc

    nlp.add_pipe("all_nouns")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_student(tagged_archive, nlp=nlp)
    assert not nlp.analyze_pipes()["problems"]["parser"]
    again = load_student_again(nlp)
    assert [token.dep_ for token in again] == [token.dep_ for token in nlp("The fox runs")]


def load_student_again(nlp: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        nlp.to_disk(folder)
        return load_student(folder, "parser", nlp=_with_nouns())("The fox runs")


def _with_nouns() -> Any:
    nlp = spacy.blank("en")
    nlp.add_pipe("all_nouns")
    return nlp
