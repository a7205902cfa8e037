from random import Random

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Vocabulary
from allennlp.data.dataset_readers.dataset_utils import span_utils
from allennlp.training.metrics import SpanBasedF1Measure

from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence
from allennlp_kd.report.numbers.spans import check_tags, parts_of
from allennlp_kd.report.numbers.tag_scores import tag_scores
from tests.report.small import SPANS, report, spans


def test_spans_by_hand():
    found = tag_scores(spans("good"), spans("gold"), "BIO")
    # Of three spans one is found; the other that is found has the wrong start.
    assert found["scores"]["accuracy"] == pytest.approx(3 / 6)
    assert found["scores"]["precision"] == pytest.approx(1 / 2)
    assert found["scores"]["recall"] == pytest.approx(1 / 3)
    assert found["scores"]["f1"] == pytest.approx(2 / 5)
    of_n, of_a = found["by_label"]
    assert (of_n["label"], of_n["gold"], of_n["f1"]) == ("N", 2, 0.0)
    assert (of_a["label"], of_a["gold"], of_a["precision"], of_a["recall"]) == ("<A>", 1, 1.0, 1.0)


def test_tags_by_hand():
    found = tag_scores(spans("good"), spans("gold"), None)
    assert found["scores"] == {"accuracy": pytest.approx(3 / 6)}
    rows = {row["label"]: row for row in found["by_label"]}
    assert list(rows) == ["B-N", "O", "B-<A>", "I-N"]
    assert rows["O"]["recall"] == 1.0 and rows["O"]["precision"] == pytest.approx(2 / 4)


def test_a_type_that_was_only_decoded_counts_as_wrong():
    found = tag_scores(spans("gold"), spans("plain"), "BIO")
    assert {"label": "<A>", "gold": 0, "precision": 0.0, "recall": 0.0, "f1": 0.0} in found[
        "by_label"
    ]


@pytest.mark.parametrize("encoding", ["BIO", "IOB1"])
def test_the_spans_are_those_of_stock(encoding):
    random, tags = Random(3), ["O", "B-X", "I-X", "B-Y", "I-Y"]
    rows = [random.choices(tags, k=random.randint(1, 9)) for _ in range(60)]
    others = [
        [tag if random.random() < 0.7 else random.choice(tags) for tag in row] for row in rows
    ]
    vocab = Vocabulary(non_padded_namespaces=["labels"])
    for tag in tags:
        vocab.add_token_to_namespace(tag, "labels")
    stock = SpanBasedF1Measure(vocab, "labels", label_encoding=encoding)
    for gold, decoded in zip(rows, others):
        indices = [torch.tensor([[tags.index(tag) for tag in row]]) for row in (decoded, gold)]
        one_hot = torch.nn.functional.one_hot(indices[0], len(tags)).float()
        stock(one_hot, indices[1])
    expected = stock.get_metric()
    decoded, gold = ([DecodedSentence(tuple(row)) for row in side] for side in (others, rows))
    found = tag_scores(decoded, gold, encoding)
    assert found["scores"]["f1"] == pytest.approx(expected["f1-measure-overall"])
    for row in found["by_label"]:
        assert row["recall"] == pytest.approx(expected[f"recall-{row['label']}"])


def test_bioul_is_stocks_where_it_is_whole():
    random = Random(5)
    pieces = ["O", "U-X", "U-Y", "B-X L-X", "B-Y I-Y L-Y", "B-X I-X I-X L-X"]
    for _ in range(60):
        tags = " ".join(random.choices(pieces, k=random.randint(1, 6))).split()
        assert parts_of(tags, "BIOUL") == set(span_utils.bioul_tags_to_spans(tags))


@pytest.mark.parametrize(
    "tags, expected",
    [
        ("B-X I-X O", [("X", (0, 1))]),
        ("I-X L-X U-X", [("X", (0, 1)), ("X", (2, 2))]),
        ("L-X L-X O", [("X", (0, 0)), ("X", (1, 1))]),
        ("B-X L-Y B-Y", [("X", (0, 0)), ("Y", (1, 1)), ("Y", (2, 2))]),
        ("O I-X B-X", [("X", (1, 1)), ("X", (2, 2))]),
    ],
)
def test_bioul_that_is_cut_off(tags, expected):
    """As a model decodes that has no constraints: stock's function raises an error."""
    with pytest.raises(span_utils.InvalidTagSequence):
        span_utils.bioul_tags_to_spans(tags.split())
    assert parts_of(tags.split(), "BIOUL") == set(expected)


@pytest.mark.parametrize("encoding, wrong", [("BIO", "NN"), ("IOB1", "IN"), ("BMES", "I-X")])
def test_tags_that_the_encoding_does_not_have(encoding, wrong, monkeypatch):
    right = [DecodedSentence(("O", "B-X"))]
    check_tags(right, encoding, "data.txt")
    found = [*right, DecodedSentence(("O", wrong))]
    check_tags(found, None, "data.txt")
    expected = f"configured for {encoding} tags; found '{wrong}' in data.txt, labeled sentence 2"
    with pytest.raises(ConfigurationError, match=expected):
        check_tags(found, encoding, "data.txt")
    for side, source in (("gold", "data.txt"), ("plain", "'plain'")):
        with monkeypatch.context() as patch:
            patch.setitem(SPANS, side, ["B-N O O", "NN O O"])
            with pytest.raises(ConfigurationError, match=f"found 'NN' in {source}, labeled s"):
                report(patch, "chain")
