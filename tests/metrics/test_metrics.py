import random

import pytest
import torch
from allennlp.data import Vocabulary
from allennlp.training.metrics import SpanBasedF1Measure

from allennlp_kd.metrics.distributed_span_f1 import DistributedSpanF1
from allennlp_kd.metrics.label_agreement import LabelAgreement
from allennlp_kd.metrics.word_average import WordAverage

BIO = ["O", "B-A", "I-A", "B-C-A", "I-B", "B-B"]


def random_batch(generator, tags, sentences=4, width=7):
    lengths = [generator.randint(0, width) for _ in range(sentences)]
    mask = torch.tensor([[i < n for i in range(width)] for n in lengths])
    decoded = torch.tensor([[generator.randrange(tags) for _ in range(width)] for _ in lengths])
    gold = torch.tensor([[generator.randrange(tags) for _ in range(width)] for _ in lengths])
    return torch.nn.functional.one_hot(decoded, tags).float(), gold, mask


@pytest.mark.parametrize("ignored", [None, ["B"]])
def test_span_f1_is_stocks(ignored):
    vocab = Vocabulary(tokens_to_add={"labels": BIO})
    ours = DistributedSpanF1(vocab, tag_namespace="labels", ignore_classes=ignored)
    stock = SpanBasedF1Measure(vocab, tag_namespace="labels", ignore_classes=ignored)
    generator = random.Random(3)
    for _ in range(5):
        batch = random_batch(generator, len(BIO))
        ours(*batch)
        stock(*batch)
        assert ours.get_metric() == stock.get_metric()
    numbers = ours.get_metric(reset=True)
    assert 0 < numbers["f1-measure-overall"] < 1
    assert all(type(value) is float for value in numbers.values())
    stock.reset()
    assert ours.get_metric() == stock.get_metric()


def test_agreement_counts_words_and_labels():
    metric = LabelAgreement(["a", "b", "c"])
    assert metric.get_metric() == {} and metric.by_label() == {}
    teacher = torch.tensor([[0, 0, 1, -1], [1, -1, -1, -1]])
    student = torch.tensor([[0, 1, 1, -1], [2, -1, -1, -1]])
    metric({"labels": student}, {"labels": teacher})
    assert metric.get_metric() == {"agreement": 0.5}
    assert metric.by_label() == {"a": 0.5, "b": 0.5}
    mask = torch.tensor([[True, False, False, False], [False] * 4])
    metric({"labels": student}, {"labels": teacher}, mask)
    assert metric.get_metric(reset=True) == {"agreement": 0.6}
    assert metric.get_metric() == {}


def test_agreement_on_trees_is_on_heads_and_labels():
    metric = LabelAgreement(["a", "b"])
    teacher = {"labels": torch.tensor([[0, 0, 1, 1]]), "heads": torch.tensor([[0, 1, 1, 2]])}
    student = {"labels": torch.tensor([[0, 1, 1, 1]]), "heads": torch.tensor([[0, 1, 4, 2]])}
    metric(student, teacher)
    assert metric.get_metric() == {
        "agreement": 0.5,
        "agreement-heads": 0.75,
        "agreement-labels": 0.75,
    }
    assert metric.by_label() == {"a": 0.5, "b": 0.5}


def test_agreement_with_a_teacher_without_labels_is_on_heads():
    metric = LabelAgreement(["a", "b"])
    student = {"labels": torch.tensor([[0, 1, -1]]), "heads": torch.tensor([[0, 1, -1]])}
    metric(student, {"heads": torch.tensor([[0, 0, -1]])})
    assert metric.get_metric() == {"agreement": 0.5} and metric.by_label() == {}


def test_agreement_takes_an_empty_batch():
    metric = LabelAgreement(["a", "b"])
    empty = {"labels": torch.zeros((0, 3), dtype=torch.long)}
    metric(empty, empty)
    assert metric.get_metric() == {}


def test_word_average():
    metric = WordAverage()
    assert metric.get_metric() is None
    metric(6.0, 3.0)
    metric(123.0, 0.0)  # was not computed
    metric(2.0, 1.0)
    assert metric.get_metric() == 2.0
    assert metric.get_metric(reset=True) == 2.0
    assert metric.get_metric() is None
