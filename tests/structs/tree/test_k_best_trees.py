import itertools
from dataclasses import replace

import numpy
import pytest
import torch
from hypothesis import given, settings, strategies as st

from allennlp_kd.structs.tree import (
    TreePotentials,
    are_trees,
    k_best_trees,
    log_partition,
    maximum_spanning_tree,
    score,
)
from allennlp_kd.structs.tree.spanning.ranked_arborescences import ranked_arborescences
from allennlp_kd.structs.tree.spanning.single_root import FORBIDDEN
from tests.structs.tree.enumeration import all_trees, random_potentials, scores_of_all_trees
from tests.structs.tree.near import assert_near

NOTHING = float("-inf")
LENGTHS = [4, 1, 0, 2, 3]


def enumerated(potentials, row):
    """All single-root trees that are not forbidden, with labels if there are any, best first.

    As pairs of a score and (heads, labels).
    """
    length = int(potentials.lengths[row])
    trees = all_trees(length, True, False)
    found = []
    for heads, arcs in zip(trees, scores_of_all_trees(potentials, row, trees).tolist()):
        if potentials.labels is None:
            found.append((arcs, (list(heads), None)))
            continue
        log_labels = [
            potentials.label_scores()[row, word, head].double().log_softmax(0).tolist()
            for word, head in enumerate(heads)
        ]
        for labels in itertools.product(range(potentials.num_labels), repeat=length):
            total = arcs + sum(log_labels[word][label] for word, label in enumerate(labels))
            found.append((total, (list(heads), list(labels))))
    return sorted(((s, tree) for s, tree in found if s > NOTHING), key=lambda pair: -pair[0])


def as_list(potentials, heads, labels, row):
    """The trees of a sentence as pairs of lists."""
    length = int(potentials.lengths[row])
    return [
        (tree[:length].tolist(), None if labels is None else labels[row, place, :length].tolist())
        for place, tree in enumerate(heads[row])
    ]


def check(potentials, k):
    heads, labels, scores = k_best_trees(potentials, k)
    assert heads.shape == (potentials.batch_size, k, potentials.max_length)
    assert scores.dtype == potentials.arcs.dtype
    assert (heads[~potentials.mask.unsqueeze(1).expand_as(heads)] == 0).all()
    assert (labels is None) == (potentials.labels is None)
    if labels is not None:
        assert labels.shape == heads.shape
        assert (labels[~potentials.mask.unsqueeze(1).expand_as(heads)] == 0).all()
    for row in range(potentials.batch_size):
        expected = enumerated(potentials, row)[:k]
        missing = k - len(expected)
        assert_near(scores[row], [s for s, _ in expected] + [NOTHING] * missing)
        trees = as_list(potentials, heads, labels, row)
        assert trees[: len(expected)] == [tree for _, tree in expected]
        assert [tree[0] for tree in trees[len(expected) :]] == [trees[0][0]] * missing


@pytest.mark.parametrize("k", [1, 2, 3, 7, 70])
@pytest.mark.parametrize("seed", range(2))
def test_without_labels_against_enumeration(k, seed):
    """Of four words there are 64 trees, so 70 are more than all."""
    check(random_potentials(LENGTHS, seed=seed, extra=1), k)


@pytest.mark.parametrize("k", [1, 2, 5, 20])
@pytest.mark.parametrize("labels,factored", [(1, False), (3, False), (3, True)])
@pytest.mark.parametrize("scale", [0.3, 3.0])
def test_with_labels_against_enumeration(k, labels, factored, scale):
    """Scores of arcs that differ less than those of labels, and more."""
    check(random_potentials(LENGTHS, labels, factored, scale=scale, extra=1), k)


def test_all_of_them_are_the_distribution():
    potentials = random_potentials([3, 2, 1, 0], labels=2)
    scores = k_best_trees(potentials, 9 * 2**3)[2]
    assert_near(scores.logsumexp(1), log_partition(potentials))


class TestForbidden:
    @pytest.mark.parametrize("k", [1, 3, 30])
    def test_arcs_and_labels(self, k):
        potentials = random_potentials([4, 3, 3], labels=2)
        potentials.arcs[0, :3, 0] = NOTHING
        potentials.arcs[0, 0, 2:4] = NOTHING
        potentials.labels[1, 1, :, 0] = NOTHING
        potentials.labels[1, 2, :, 1] = NOTHING
        potentials.arcs[2, :, 1:] = NOTHING
        potentials.arcs[2, 1:, 1] = 0.0  # one tree alone, whose words all hang on the first
        check(potentials, k)

    @pytest.mark.parametrize("k", [1, 3])
    def test_no_tree_is_allowed(self, k):
        """None hangs on ROOT; or all have to."""
        potentials = random_potentials([3, 3, 2], labels=2)
        potentials.arcs[0, :, 0] = NOTHING
        potentials.arcs[1, :, 1:] = NOTHING
        heads, labels, scores = k_best_trees(potentials, k)
        assert (scores[:2] == NOTHING).all() and (scores[2] > NOTHING).all()
        mask = potentials.mask.repeat_interleave(k, 0)
        assert are_trees(heads.flatten(0, 1), mask, single_root=False).all()
        assert ((labels >= 0) & (labels < 2)).all()

    @pytest.mark.parametrize("k", [1, 2])
    @pytest.mark.parametrize("score, name", [("nan", "NaN"), ("inf", "infinity")])
    def test_scores_without_an_order_are_refused(self, k, score, name):
        potentials = random_potentials([2, 3])
        potentials.arcs[1, 2, 0] = float(score)
        with pytest.raises(ValueError, match=f"row 1 has arcs with the score {name}"):
            k_best_trees(potentials, k)


def test_k_is_at_least_one():
    with pytest.raises(ValueError, match="k must be at least 1, found 0"):
        k_best_trees(random_potentials([1]), 0)


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 15), min_size=1, max_size=3),
    labels=st.integers(0, 4),
    k=st.integers(1, 12),
    seed=st.integers(0, 999),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 1e4]),
    dtype=st.sampled_from([torch.float, torch.double]),
)
def test_invariants(lengths, labels, k, seed, scale, dtype):
    """A scale of 0 makes all trees without labels equally good."""
    potentials = random_potentials(lengths, labels, scale=scale, dtype=dtype, seed=seed)
    heads, found_labels, scores = k_best_trees(potentials, k)
    assert (scores[:, :-1] >= scores[:, 1:]).all()
    assert_near(scores[:, 0], maximum_spanning_tree(potentials)[2], rtol=1e-5, atol=1e-4)
    for place in range(k):
        there = scores[:, place] > NOTHING
        assert are_trees(heads[:, place], potentials.mask).all()
        of_place = None if labels == 0 else found_labels[:, place]
        again = score(potentials, heads[:, place], of_place)
        assert_near(again[there], scores[there, place], rtol=1e-5, atol=1e-4)
    for row in range(len(lengths)):
        trees = as_list(potentials, heads, found_labels, row)
        distinct = {str(tree) for tree, s in zip(trees, scores[row]) if s > NOTHING}
        assert len(distinct) == int((scores[row] > NOTHING).sum())
        # n words have n ** (n - 1) trees with one of them on ROOT.
        number = lengths[row] ** max(0, lengths[row] - 1) * max(1, labels) ** lengths[row]
        assert len(distinct) == min(k, number)
    padded = random_potentials(lengths, labels, scale=scale, dtype=dtype, seed=seed, extra=2)
    more = k_best_trees(padded, k)
    assert_near(more[2], scores, rtol=1e-5, atol=1e-4)
    if scale == 1.0:
        assert (more[0][..., :-2] == heads).all()
        assert labels == 0 or (more[1][..., :-2] == found_labels).all()
    alone = replace(potentials, labels=None).select_rows(torch.tensor([0]))
    assert_near(k_best_trees(alone, k)[2], k_best_trees(replace(potentials, labels=None), k)[2][:1])


@settings(max_examples=150, deadline=None)
@given(
    length=st.integers(1, 5),
    seed=st.integers(0, 9999),
    ties=st.booleans(),
    forbidden=st.sampled_from([0.0, 0.3]),
    penalty=st.sampled_from([0.0, 50.0]),
)
def test_all_trees_in_order(length, seed, ties, forbidden, penalty):
    """Each once, also where many have the same score."""
    generator = numpy.random.default_rng(seed)
    scores = generator.normal(size=(length, length + 1))
    if ties:
        scores = numpy.round(scores)
    scores[:, 0] -= penalty
    scores[generator.random(scores.shape) < forbidden] = FORBIDDEN
    trees = numpy.array(all_trees(length, False, False))
    values = scores[numpy.arange(length), trees].sum(axis=1)
    possible = numpy.sort(values[values > FORBIDDEN / 2])[::-1]
    found = list(itertools.islice(ranked_arborescences(scores), 150))
    if len(possible) == 0:
        assert len(found) == 1
        return
    totals = numpy.array([scores[numpy.arange(length), heads].sum() for heads in found])
    assert len({tuple(heads) for heads in found}) == len(found) == min(150, len(possible))
    assert numpy.allclose(totals, possible[:150])


def test_search_keeps_its_input():
    scores = numpy.random.default_rng(0).normal(size=(7, 8))
    before = scores.copy()
    list(itertools.islice(ranked_arborescences(scores), 5))
    assert (scores == before).all()


def test_decoding_leaves_gradients_to_what_follows():
    potentials = random_potentials([3, 2], labels=2, factored=True)
    for tensor in potentials.tensors():
        tensor.requires_grad_()
    heads, labels, scores = k_best_trees(potentials, 2)
    assert not scores.requires_grad
    score(potentials, heads[:, 1], labels[:, 1]).sum().backward()
    assert all(tensor.grad.abs().sum() > 0 for tensor in potentials.tensors())


def test_a_batch_of_no_sentence_and_sentences_of_no_word():
    for batch, length in ((0, 3), (2, 0)):
        mask = torch.zeros(batch, length, dtype=torch.bool)
        labels = torch.zeros(batch, length, length + 1, 2)
        potentials = TreePotentials(torch.zeros(batch, length, length + 1), mask, labels)
        heads, found, scores = k_best_trees(potentials, 3)
        assert heads.shape == found.shape == (batch, 3, length)
        assert scores.tolist() == [[0.0, NOTHING, NOTHING]] * batch
