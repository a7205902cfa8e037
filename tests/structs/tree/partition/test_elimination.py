"""The two eliminations, against enumeration and against each other."""

import pytest
import torch
from hypothesis import given, settings, strategies as st

from allennlp_kd.structs.tree import (
    TreePotentials,
    log_arc_marginals,
    log_partition,
    maximum_spanning_tree,
)
from allennlp_kd.structs.tree.partition import select_algorithm
from allennlp_kd.structs.tree.partition.elimination import Elimination
from allennlp_kd.structs.tree.partition.log_space import log_sum_in_log_space
from allennlp_kd.structs.tree.partition.sum_of_trees import SumOfTrees
from tests.structs.tree.enumeration import all_trees, random_potentials, scores_of_all_trees
from tests.structs.tree.near import assert_near

LENGTHS = [4, 1, 0, 5, 2, 3]
NOTHING = float("-inf")
roots = pytest.mark.parametrize("single_root", [True, False])


def eliminated(potentials, single_root):
    """Of float64 scores, by weights alone: the log of the sum, and whether it is exact."""
    elimination = Elimination(potentials.arc_scores, potentials.mask, single_root)
    return elimination.log_sum, elimination.exact


def derivatives(function, scores, direction):
    """A sum over trees, its gradient, and the gradient's in a direction."""
    scores = scores.detach().clone().requires_grad_()
    total = function(scores)
    (first,) = torch.autograd.grad(total.sum(), scores, create_graph=True)
    (second,) = torch.autograd.grad(first, scores, direction)
    return total.detach(), first.detach(), second


def both_paths(potentials, single_root, seed=0):
    """Derivatives by weights and in log space, of scores that both are exact for."""
    mask = potentials.mask
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randn(potentials.arcs.shape, generator=generator, dtype=torch.double)

    def by_weights(scores):
        elimination = Elimination(scores, mask, single_root)
        assert elimination.exact.all()
        return SumOfTrees.apply(scores, mask, elimination)

    def in_log_space(scores):
        return log_sum_in_log_space(scores, mask, single_root, projective=False)

    return tuple(
        derivatives(path, potentials.arc_scores, direction) for path in (by_weights, in_log_space)
    )


def enumerated(potentials, row, single_root):
    """The log of the sum and the marginals, by brute force."""
    length = int(potentials.mask[row].sum())
    trees = all_trees(length, single_root, False)
    scores = scores_of_all_trees(potentials, row, trees)
    marginals = torch.zeros(length, length + 1, dtype=torch.double)
    for heads, probability in zip(trees, scores.softmax(0)):
        for word, head in enumerate(heads):
            marginals[word, head] += probability
    return scores.logsumexp(0), marginals


def cycle(confidence, length=2):
    """Words 1 and 2 prefer each other by `confidence` to ROOT, all others hang on word 1."""
    arcs = torch.zeros(1, length, length + 1, dtype=torch.double)
    arcs[0, 0, 2] = arcs[0, 1, 1] = confidence
    arcs[0, 2:, 1] = confidence
    return TreePotentials(arcs, torch.ones(1, length, dtype=torch.bool))


@pytest.fixture
def log_space_rows(monkeypatch):
    """How many sentences each call eliminated in log space."""
    found = []

    def spy(scores, mask, single_root, projective):
        found.append(mask.shape[0])
        return log_sum_in_log_space(scores, mask, single_root, projective)

    monkeypatch.setattr(select_algorithm, "log_sum_in_log_space", spy)
    return found


@roots
@pytest.mark.parametrize("scale", [0.1, 3.0, 30.0])
def test_against_enumeration(single_root, scale):
    potentials = random_potentials(LENGTHS, scale=scale, seed=3, extra=2)
    elimination = Elimination(potentials.arc_scores, potentials.mask, single_root)
    assert elimination.exact.all()
    marginals = elimination.marginals()
    for row, length in enumerate(LENGTHS):
        total, expected = enumerated(potentials, row, single_root)
        assert_near(elimination.log_sum[row], total, rtol=1e-14, atol=1e-13)
        found = marginals[row].clone()
        assert_near(found[:length, : length + 1], expected, rtol=0, atol=1e-13)
        found[:length, : length + 1] = 0
        assert (found == 0).all()


@roots
@settings(max_examples=20, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    extra=st.integers(0, 2),
    seed=st.integers(0, 999),
    scale=st.sampled_from([0.1, 3.0, 10.0]),
)
def test_both_paths_agree(single_root, lengths, extra, seed, scale):
    if max(lengths) + extra == 0:
        lengths = [1]
    potentials = random_potentials(lengths, seed=seed, scale=scale, extra=extra)
    fast, slow = both_paths(potentials, single_root, seed)
    for found, expected in zip(fast, slow):
        assert_near(found, expected, rtol=1e-10, atol=1e-10)


@roots
def test_gradients(single_root):
    potentials = random_potentials([3, 1, 4], padding=0.0)
    mask = potentials.mask

    def total(arcs):
        return log_partition(TreePotentials(arcs, mask), single_root)

    arcs = potentials.arcs.clone().requires_grad_()
    assert torch.autograd.gradcheck(total, (arcs,))
    assert torch.autograd.gradgradcheck(total, (arcs,))


@roots
def test_third_derivative(single_root):
    potentials = random_potentials([3, 2], padding=0.0)
    mask = potentials.mask
    weights = torch.randn(potentials.arcs.shape, dtype=torch.double)

    def marginals(arcs):
        total = log_partition(TreePotentials(arcs, mask), single_root)
        (found,) = torch.autograd.grad(total.sum(), arcs, create_graph=True)
        return (found * weights).sum()

    arcs = potentials.arcs.clone().requires_grad_()
    assert torch.autograd.gradgradcheck(marginals, (arcs,))


@roots
def test_only_sentences_that_underflow_take_log_space(single_root, log_space_rows):
    plain = random_potentials([5, 5, 5, 5], scale=2.0)
    arcs = plain.arcs.clone()
    # Sentences 1 and 3: words 1 and 2 each other's heads, as in a cycle, and of no other.
    for row in (1, 3):
        arcs[row, 0, 2] = arcs[row, 1, 1] = 1000.0
    arcs.requires_grad_()
    potentials = TreePotentials(arcs, plain.mask)
    assert eliminated(potentials, single_root)[1].tolist() == [True, False, True, False]
    found = log_partition(potentials, single_root)
    assert log_space_rows == [2]
    (gradient,) = torch.autograd.grad(found.sum(), arcs)
    for row in range(4):
        total, expected = enumerated(potentials, row, single_root)
        assert_near(found[row], total, rtol=1e-14, atol=1e-12)
        # In log space marginals are differences of numbers of the size of the scores.
        assert_near(gradient[row], expected, rtol=0, atol=1e-9)
    assert not torch.isnan(log_arc_marginals(potentials, single_root)).any()


@roots
@pytest.mark.parametrize("confidence, exact", [(600.0, True), (700.0, False), (1e3, False)])
def test_confidence(single_root, confidence, exact, log_space_rows):
    """Underflow by little is exact; where a cycle costs as much as float64 can hold it is not."""
    potentials = cycle(confidence, length=4)
    assert eliminated(potentials, single_root)[1].tolist() == [exact]
    found = log_partition(potentials, single_root)
    assert log_space_rows == [] if exact else [1]
    total, expected = enumerated(potentials, 0, single_root)
    assert_near(found[0], total, rtol=1e-14, atol=1e-12)
    assert_near(log_arc_marginals(potentials, single_root)[0].exp(), expected, rtol=0, atol=1e-9)


@roots
@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(1, 5),
    spread=st.sampled_from([100.0, 300.0, 700.0, 1e3]),
    forbidden=st.floats(0, 0.6),
    seed=st.integers(0, 9999),
)
def test_extreme_scores(single_root, length, spread, forbidden, seed):
    """What is taken for exact is, and what is not is right all the same."""
    generator = torch.Generator().manual_seed(seed)
    arcs = torch.rand(3, length, length + 1, generator=generator, dtype=torch.double) * spread
    arcs[torch.rand(arcs.shape, generator=generator) < forbidden] = NOTHING
    potentials = TreePotentials(arcs, torch.ones(3, length, dtype=torch.bool))
    found = log_partition(potentials, single_root)
    by_weights, exact = eliminated(potentials, single_root)
    marginals = Elimination(potentials.arc_scores, potentials.mask, single_root).marginals()
    for row in range(3):
        total, expected = enumerated(potentials, row, single_root)
        if total == NOTHING:
            assert not exact[row] and found[row] == NOTHING
            continue
        assert_near(found[row], total, rtol=1e-13, atol=1e-11)
        if exact[row]:
            assert_near(by_weights[row], total, rtol=1e-14, atol=1e-12)
            assert_near(marginals[row], expected, rtol=0, atol=1e-12)


def test_word_with_no_head_but_root(log_space_rows):
    # Without ROOT's weight the pivot of word 3 is 0, though there is a tree.
    arcs = random_potentials([3]).arcs.clone()
    arcs[0, 2, 1:] = NOTHING
    potentials = TreePotentials(arcs, torch.ones(1, 3, dtype=torch.bool))
    assert not eliminated(potentials, True)[1]
    assert eliminated(potentials, False)[1]
    for single_root in (True, False):
        found = log_partition(potentials, single_root)
        assert_near(found[0], enumerated(potentials, 0, single_root)[0])
    assert log_space_rows == [1]


@pytest.mark.parametrize("projective", [True, False])
def test_only_multi_root_trees_are_possible(projective):
    # Each of three words has ROOT for its one head; or the first two do, and a word to choose from.
    arcs = torch.full((2, 3, 4), NOTHING, dtype=torch.double)
    arcs[:, :, 0] = torch.tensor([3.0, -50.0, 7.0])
    arcs[1, 2, 1:3] = torch.tensor([1.0, 900.0])
    arcs.requires_grad_()
    potentials = TreePotentials(arcs, torch.ones(2, 3, dtype=torch.bool))
    found = log_partition(potentials, True, projective)
    assert found.tolist() == [NOTHING, NOTHING]
    (gradient,) = torch.autograd.grad(found.sum(), arcs)
    assert (gradient == 0).all()
    assert torch.isfinite(log_partition(potentials, False, projective)).all()
    assert maximum_spanning_tree(potentials, True, projective)[2].tolist() == [NOTHING, NOTHING]
    assert torch.isfinite(maximum_spanning_tree(potentials, False, projective)[2]).all()


@roots
def test_nearly_certain(single_root):
    # Each word's head in a chain from ROOT, 500 nats ahead of all others.
    length = 30
    arcs = torch.zeros(1, length, length + 1, dtype=torch.double)
    arcs[0].fill_diagonal_(500.0)
    potentials = TreePotentials(arcs, torch.ones(1, length, dtype=torch.bool))
    total, exact = eliminated(potentials, single_root)
    assert exact.all()
    assert_near(total[0], 500.0 * length, rtol=1e-15, atol=0)
    marginals = log_arc_marginals(potentials, single_root)[0].exp()
    assert_near(marginals.diagonal(), torch.ones(length), rtol=0, atol=1e-13)


@roots
def test_not_a_number_is_not_exact(single_root):
    potentials = random_potentials([3, 3])
    potentials.arcs[0, 1, 0] = float("nan")
    assert eliminated(potentials, single_root)[1].tolist() == [False, True]
    found = log_partition(potentials, single_root)
    assert torch.isnan(found).tolist() == [True, False]


@roots
def test_forbidden_by_size(single_root):
    # Scores of which log space says that they forbid, without being -inf.
    potentials = random_potentials([2])
    potentials.arcs[0, 1] = -1e15
    assert not eliminated(potentials, single_root)[1]
    assert log_partition(potentials, single_root).tolist() == [NOTHING]


@roots
def test_in_a_cycle_no_digit_is_lost(single_root):
    # A log determinant of weights of 1 and exp(-30) keeps three digits of this, or none.
    potentials = cycle(30.0)
    total, exact = eliminated(potentials, single_root)
    assert exact.all()
    expected = torch.tensor([30.0, 30.0] + [0.0] * (not single_root), dtype=torch.double)
    assert_near(total[0], expected.logsumexp(0), rtol=1e-15, atol=0)
    marginals = Elimination(potentials.arc_scores, potentials.mask, single_root).marginals()
    assert_near(marginals[0, 0, 0], marginals[0, 1, 0], rtol=0, atol=1e-15)
    assert_near(marginals.sum(2), torch.ones(1, 2), rtol=0, atol=1e-15)


@roots
@pytest.mark.parametrize("batch, length", [(0, 3), (2, 0), (0, 0)])
def test_nothing_to_sum_over(single_root, batch, length):
    arcs = torch.zeros(batch, length, length + 1, requires_grad=True)
    potentials = TreePotentials(arcs, torch.ones(batch, length, dtype=torch.bool))
    assert log_partition(potentials, single_root).tolist() == [0.0] * batch
    assert log_arc_marginals(potentials, single_root).shape == arcs.shape
