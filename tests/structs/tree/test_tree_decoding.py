import itertools

import numpy
import pytest
import torch
from hypothesis import given, settings, strategies as st

from allennlp_kd.structs.tree import (
    TreePotentials,
    are_projective,
    are_trees,
    best_heads,
    best_projective_heads,
    maximum_spanning_tree,
    score,
)
from allennlp_kd.structs.tree.spanning.arborescence import maximum_spanning_arborescence
from tests.structs.tree import enumeration
from tests.structs.tree.enumeration import all_trees, random_potentials, scores_of_all_trees
from tests.structs.tree.near import assert_near

kinds = pytest.mark.parametrize(
    "single_root, projective", list(itertools.product([True, False], [True, False]))
)
LENGTHS = [6, 1, 0, 4, 2, 5, 3]


@kinds
@pytest.mark.parametrize("seed", range(3))
def test_best_tree_against_enumeration(single_root, projective, seed):
    potentials = random_potentials(LENGTHS, seed=seed, extra=1)
    heads, labels, scores = maximum_spanning_tree(potentials, single_root, projective)
    assert labels is None
    for row, length in enumerate(LENGTHS):
        trees = all_trees(length, single_root, projective)
        best, index = scores_of_all_trees(potentials, row, trees).max(dim=0)
        assert heads[row].tolist() == list(trees[index]) + [0] * (7 - length)
        assert_near(scores[row], best)


@kinds
@pytest.mark.parametrize("factored", [True, False])
def test_labels_take_part_in_the_choice(single_root, projective, factored):
    potentials = random_potentials([4, 2, 0, 3], labels=3, factored=factored, scale=0.2, extra=1)
    log_labels = torch.log_softmax(potentials.label_scores(), dim=3)
    heads, labels, scores = maximum_spanning_tree(potentials, single_root, projective)
    assert_near(score(potentials, heads, labels), scores)
    # The same arcs, with the best label of each in its score.
    together = TreePotentials(potentials.arcs + log_labels.amax(dim=3), potentials.mask)
    differs = False
    for row, length in enumerate([4, 2, 0, 3]):
        trees = all_trees(length, single_root, projective)
        best, index = scores_of_all_trees(together, row, trees).max(dim=0)
        assert heads[row, :length].tolist() == list(trees[index])
        assert_near(scores[row], best)
        differs |= int(scores_of_all_trees(potentials, row, trees).argmax()) != int(index)
        for word, head in enumerate(trees[index]):
            assert labels[row, word] == log_labels[row, word, head].argmax()
    assert differs
    assert (labels[~potentials.mask] == 0).all()


@kinds
@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 25), min_size=1, max_size=4),
    seed=st.integers(0, 999),
    scale=st.sampled_from([1e-3, 1.0, 1e4]),
)
def test_long_sentences(single_root, projective, lengths, seed, scale):
    potentials = random_potentials(lengths, seed=seed, scale=scale)
    heads, _, scores = maximum_spanning_tree(potentials, single_root, projective)
    assert are_trees(heads, potentials.mask, single_root).all()
    assert_near(score(potentials, heads), scores)
    if projective:
        assert are_projective(heads, potentials.mask).all()
    else:
        within = maximum_spanning_tree(potentials, single_root, True)[2]
        assert (scores >= within - 1e-9 * scale).all()
    # No single change of a head makes a better tree.
    for row, length in enumerate(lengths):
        for word in range(length):
            for head in range(length + 1):
                if head != word + 1 and potentials.arcs[row, word, head] > (
                    potentials.arcs[row, word, heads[row, word]] + 1e-9 * scale
                ):
                    other = heads[row : row + 1].clone()
                    other[0, word] = head
                    mask = potentials.mask[row : row + 1]
                    assert not (
                        are_trees(other, mask, single_root).all()
                        and (not projective or are_projective(other, mask).all())
                    )


def test_what_is_a_tree():
    for length in range(6):
        mask = torch.ones(1, length, dtype=torch.bool)
        for heads in itertools.product(range(length + 1), repeat=length):
            row = torch.tensor([heads], dtype=torch.long)
            expected = enumeration.is_tree(heads)
            assert bool(are_trees(row, mask, single_root=False)) == expected
            single = expected and (length == 0 or heads.count(0) == 1)
            assert bool(are_trees(row, mask)) == single
            if expected:
                assert bool(are_projective(row, mask)) == enumeration.is_projective(heads)


def test_padding_is_no_head_and_is_not_read():
    heads = torch.tensor([[2, 0, 0], [2, 0, 9], [0, 0, 1]])
    mask = torch.tensor([[1, 1, 0], [1, 1, 0], [1, 0, 0]]).bool()
    assert are_trees(heads, mask).tolist() == [True, True, True]
    assert are_trees(torch.tensor([[3, 0, 2]]), mask[:1]).tolist() == [False]
    assert are_trees(torch.tensor([[0, -1, 0]]), mask[:1]).tolist() == [False]


def test_greedy_trees_are_not_searched(monkeypatch):
    from allennlp_kd.structs.tree import decoding

    searched = []

    def search(scores):
        searched.append(len(scores))
        return maximum_spanning_arborescence(scores)

    monkeypatch.setattr(decoding, "maximum_spanning_arborescence", search)
    arcs = torch.zeros(3, 4, 5)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0]]).bool()
    greedy = torch.tensor([[2, 0, 2, 2], [0, 0, 1, 0], [2, 1, 0, 0]])
    arcs.scatter_(2, greedy.unsqueeze(2), 1.0)
    potentials = TreePotentials(arcs, mask)
    assert maximum_spanning_tree(potentials)[0][0].tolist() == [2, 0, 2, 2]
    assert searched == [3, 2]
    del searched[:]
    assert maximum_spanning_tree(potentials, single_root=False)[0][1].tolist() == [0, 0, 1, 0]
    assert searched == [2]


class TestForbidden:
    def test_arcs_are_left_out(self):
        arcs = random_potentials([4]).arcs
        arcs[0, :3, 0] = float("-inf")
        arcs[0, 0, 2:4] = float("-inf")
        potentials = TreePotentials(arcs, torch.ones(1, 4, dtype=torch.bool))
        for single_root, projective in itertools.product([True, False], [True, False]):
            trees = all_trees(4, single_root, projective)
            best, index = scores_of_all_trees(potentials, 0, trees).max(dim=0)
            heads, _, scores = maximum_spanning_tree(potentials, single_root, projective)
            assert heads[0].tolist() == list(trees[index])
            assert_near(scores[0], best)

    @pytest.mark.parametrize("projective", [True, False])
    def test_no_tree_is_allowed(self, projective):
        arcs = random_potentials([3]).arcs
        arcs[..., 0] = float("-inf")
        potentials = TreePotentials(arcs, torch.ones(1, 3, dtype=torch.bool))
        heads, _, scores = maximum_spanning_tree(potentials, projective=projective)
        assert scores.tolist() == [float("-inf")]
        assert are_trees(heads, potentials.mask).all()

    @pytest.mark.parametrize("projective", [True, False])
    def test_all_words_have_to_hang_on_root(self, projective):
        potentials = random_potentials([3, 1])
        potentials.arcs[..., 1:] = float("-inf")
        scores = maximum_spanning_tree(potentials, projective=projective)[2]
        assert scores.tolist() == [float("-inf"), float(potentials.arcs[1, 0, 0])]
        heads, _, scores = maximum_spanning_tree(potentials, False, projective)
        assert heads.tolist() == [[0, 0, 0], [0, 0, 0]] and torch.isfinite(scores).all()

    @pytest.mark.parametrize("search", [best_heads, best_projective_heads])
    @pytest.mark.parametrize("score, name", [("nan", "NaN"), ("inf", "infinity")])
    def test_scores_without_an_order_are_refused(self, search, score, name):
        potentials = random_potentials([2, 3])
        potentials.arcs[1, 2, 0] = float(score)
        with pytest.raises(ValueError, match=f"row 1 has arcs with the score {name}"):
            search(potentials.arc_scores, potentials.mask)

    def test_infinity_outside_the_greedy_tree(self):
        """Each word's best head is no tree, and the search would compute infinity - infinity."""
        arcs = torch.tensor([[[0.0, 0, 5, 1], [0, 5, 0, 1], [float("inf"), 1, 1, 0]]])
        potentials = TreePotentials(arcs, torch.ones(1, 3, dtype=torch.bool))
        for single_root, projective in itertools.product([True, False], [True, False]):
            with pytest.raises(ValueError, match="row 0 has arcs with the score infinity"):
                maximum_spanning_tree(potentials, single_root, projective)


def test_search_keeps_its_input():
    scores = numpy.random.default_rng(0).normal(size=(9, 10))
    before = scores.copy()
    maximum_spanning_arborescence(scores)
    assert (scores == before).all()


def test_nested_cycles():
    # Words 1-2 and 3-4 prefer each other, and both pairs prefer the other pair to word 5 and to
    # ROOT.
    scores = numpy.full((5, 6), -100.0)
    scores[0, 2] = scores[1, 1] = scores[2, 4] = scores[3, 3] = 10.0
    scores[1, 3], scores[3, 1] = 5.0, 6.0
    scores[0, 5], scores[2, 5] = 1.0, 1.5
    scores[4, 0] = 0.0
    trees = torch.tensor(all_trees(5, False, False))
    values = torch.from_numpy(scores)[torch.arange(5), trees].sum(dim=1)
    assert maximum_spanning_arborescence(scores).tolist() == trees[values.argmax()].tolist()


def test_decoding_leaves_gradients_to_what_follows():
    potentials = random_potentials([3, 2], labels=2, factored=True)
    for tensor in potentials.tensors():
        tensor.requires_grad_()
    heads, labels, _ = maximum_spanning_tree(potentials)
    score(potentials, heads, labels).sum().backward()
    assert all(tensor.grad.abs().sum() > 0 for tensor in potentials.tensors())
