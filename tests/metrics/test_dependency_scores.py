import torch

from allennlp_kd.metrics.dependency_scores import DependencyScores

LABELS = ["nmod:poss", "obj", "nmod", "nmod:tmod"]


def test_subtypes_count_in_whole_labels_alone():
    metric = DependencyScores(LABELS)
    gold_heads, gold = torch.tensor([[2, 0, 1, 1, 7]]), torch.tensor([[0, 1, 2, 3, 9]])
    heads, labels = torch.tensor([[2, 0, 1, 2, 8]]), torch.tensor([[2, 1, 1, 3, 8]])
    mask = torch.tensor([[True, True, True, True, False]])
    metric(heads, labels, gold_heads, gold, mask)
    # The first word's label is universally right, the third's is wrong, the fourth's head is wrong.
    assert metric.get_metric() == {
        "UAS-all-words": 3 / 4,
        "LAS-all-words": 2 / 4,
        "LAS-all-words-subtypes": 1 / 4,
    }
    scored = torch.tensor([[True, True, False, False, True]])
    metric(heads, labels, gold_heads, gold, mask, scored)
    metrics = metric.get_metric(reset=True)
    assert (metrics["UAS"], metrics["LAS"], metrics["UEM"], metrics["LEM"]) == (1.0, 0.5, 1.0, 0.0)
    assert metrics["UAS-all-words"] == 6 / 8
    assert metric.get_metric() == {}


def test_no_word():
    metric = DependencyScores(LABELS)
    nothing = torch.zeros(0, 0, dtype=torch.long)
    metric(nothing, nothing, nothing, nothing, nothing.bool(), nothing.bool())
    assert metric.get_metric() == {}
