"""The decoders of trees, which score the labels of few arcs, against all labels of all arcs."""

from typing import List, Tuple

import numpy
import pytest
from hypothesis import given, settings, strategies as st

from spacy_bridge.runtime.decoding import tree_decoding
from spacy_bridge.runtime.decoding.arborescence import best_heads
from spacy_bridge.runtime.decoding.arc_scores import ArcScores
from spacy_bridge.runtime.decoding.tree_decoding import decode, log_softmax
from spacy_bridge.runtime.networks.layout import Layout

SIZE, LABELS = 3, 5


def made(lengths: List[int], seed: int, sharpness: float) -> Tuple[ArcScores, numpy.ndarray, list]:
    """Scores of a made-up network; the table of its labels; and the counts of arcs that were scored."""
    random = numpy.random.default_rng(seed)
    layout = Layout.of(numpy.array(lengths))
    words, length = sum(lengths), max(lengths)
    table = random.normal(size=(LABELS, SIZE, SIZE)).astype(numpy.float32)
    scored: list = []

    def score_labels(dependents: numpy.ndarray, heads: numpy.ndarray) -> numpy.ndarray:
        scored.append(len(dependents) * heads.shape[2])
        return numpy.einsum("ad,lhd->alh", dependents, table) @ heads

    arcs = sharpness * random.normal(size=(len(lengths), length, length + 1))
    sides = random.normal(size=(2, words + 1, SIZE)).astype(numpy.float32)
    bias = random.normal(size=LABELS).astype(numpy.float32)
    return ArcScores(arcs.astype(numpy.float32), *sides, layout, score_labels, bias), table, scored


def all_labels(scores: ArcScores, table: numpy.ndarray, row: int) -> numpy.ndarray:
    """The labels' scores of a sentence, arc by arc: shape (words, nodes, labels)."""
    words = int(scores.layout.lengths[row])
    rows = scores.layout.slots[row, :words]
    found = numpy.zeros((words, words + 1, LABELS))
    for word in range(words):
        for node in range(words + 1):
            head = scores.heads[rows[node - 1]] if node else scores.heads[-1]
            found[word, node] = scores.bias + numpy.einsum(
                "lhd,h,d->l", table, head, scores.dependents[rows[word]]
            )
    return found


lengths_of = st.lists(st.integers(1, 9), min_size=1, max_size=5)


@settings(max_examples=80, deadline=None)
@given(lengths_of, st.integers(0, 9999), st.sampled_from([0.0, 0.3, 1.0, 3.0, 10.0]))
def test_the_exact_decoder_equals_a_search_over_all_labels(
    lengths: List[int], seed: int, sharpness: float
) -> None:
    scores, table, _ = made(sorted(lengths, reverse=True), seed, sharpness)
    heads, labels = decode(scores, "exact")
    for row, words in enumerate(scores.layout.lengths.tolist()):
        every = all_labels(scores, table, row)
        arcs = scores.arcs[row, :words, : words + 1].astype(float)
        total = arcs + log_softmax(every).max(axis=2)
        place = numpy.arange(words)
        best = best_heads(total)
        assert total[place, heads[row]].sum() == pytest.approx(total[place, best].sum(), abs=1e-4)
        assert (heads[row] == 0).sum() == 1
        assert (labels[row] == every[place, heads[row]].argmax(axis=1)).all()


@settings(max_examples=40, deadline=None)
@given(lengths_of, st.integers(0, 9999), st.sampled_from([0.3, 3.0]))
def test_the_stock_decoder_equals_a_search_over_all_labels(
    lengths: List[int], seed: int, sharpness: float
) -> None:
    scores, table, _ = made(sorted(lengths, reverse=True), seed, sharpness)
    heads, labels = decode(scores, "stock")
    for row, words in enumerate(scores.layout.lengths.tolist()):
        every = all_labels(scores, table, row)
        arcs = log_softmax(scores.arcs[row, :words, : words + 1].astype(float))
        energy = numpy.exp(arcs[:, :, None] + log_softmax(every))
        total = energy.max(axis=2)
        total[:, 0] = 0.0
        place = numpy.arange(words)
        best = best_heads(total, single_root=False)
        assert total[place, heads[row]].sum() == pytest.approx(total[place, best].sum(), abs=1e-5)
        assert (labels[row] == energy[place, heads[row]].argmax(axis=1)).all()


@pytest.mark.parametrize("rounds", [0, 1])
def test_when_the_search_ends_early_all_labels_are_scored(
    rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores, _, _ = made([9, 9, 8, 7, 7], 4, 2.0)
    expected = decode(scores, "exact")
    monkeypatch.setattr(tree_decoding, "MOST_ROUNDS", rounds)
    found = decode(scores, "exact")
    for part, expected_part in zip(found, expected):
        assert [row.tolist() for row in part] == [row.tolist() for row in expected_part]


def test_few_labels_are_scored_where_heads_are_clear() -> None:
    lengths = [9] * 20
    scores, _, scored = made(lengths, 0, 30.0)
    decode(scores, "exact")
    assert sum(lengths) <= sum(scored) < 1.5 * sum(lengths)
    scores, _, scored = made(lengths, 0, 0.0)
    decode(scores, "exact")
    assert sum(scored) >= 20 * 9 * 10, "where no head is clear, all labels are needed"


def test_an_unknown_decoder() -> None:
    with pytest.raises(ValueError, match="decoder must be one of exact, stock, found 'best'"):
        decode(made([2], 0, 1.0)[0], "best")
