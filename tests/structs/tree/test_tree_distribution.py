import itertools

import pytest
import torch
from hypothesis import given, settings, strategies as st

from allennlp_kd.structs.tree import (
    TreePotentials,
    cross_entropy,
    entropy,
    kl_divergence,
    log_arc_marginals,
    log_partition,
    nll,
    score,
)
from tests.structs.tree.enumeration import all_trees, random_potentials, scores_of_all_trees
from tests.structs.tree.near import assert_near

KINDS = list(itertools.product([True, False], [True, False]))
LENGTHS = [5, 1, 0, 2, 4, 3]
kinds = pytest.mark.parametrize("single_root, projective", KINDS)


def dense(potentials):
    """The same potentials with nothing factored, label scores in float64."""
    return torch.log_softmax(potentials.label_scores().double(), dim=3)


def brute_force(potentials, others, row, single_root, projective):
    """Log-partition, marginals, entropy and cross-entropy of one sentence, by enumeration."""
    length = int(potentials.mask[row].sum())
    trees = all_trees(length, single_root, projective)
    scores = scores_of_all_trees(potentials, row, trees)
    other_scores = scores_of_all_trees(others, row, trees)
    log_p, log_q = scores.log_softmax(0), other_scores.log_softmax(0)
    marginals = torch.zeros(length, length + 1, dtype=torch.double)
    entropy_sum = cross_sum = 0.0
    for heads, log_p_tree, log_q_tree in zip(trees, log_p, log_q):
        p_tree = log_p_tree.exp()
        entropy_sum -= p_tree * log_p_tree
        cross_sum -= p_tree * log_q_tree
        for word, head in enumerate(heads):
            marginals[word, head] += p_tree
            if potentials.labels is not None:
                log_label = dense(potentials)[row, word, head]
                entropy_sum -= p_tree * (log_label.exp() * log_label).sum()
                cross_sum -= p_tree * (log_label.exp() * dense(others)[row, word, head]).sum()
    return scores.logsumexp(0), marginals, entropy_sum, cross_sum


@kinds
@pytest.mark.parametrize("labels, factored", [(0, False), (3, False), (3, True)])
def test_against_enumeration(single_root, projective, labels, factored):
    first = random_potentials(LENGTHS, labels, factored, scale=2.0, seed=1, extra=1)
    second = random_potentials(LENGTHS, labels, factored, seed=2, extra=1)
    kind = {"single_root": single_root, "projective": projective}
    found = {
        "partition": log_partition(first, **kind),
        "entropy": entropy(first, **kind),
        "cross": cross_entropy(first, second, **kind),
        "divergence": kl_divergence(first, second, **kind),
    }
    marginals = log_arc_marginals(first, **kind)
    assert torch.equal(marginals == float("-inf"), ~first.arc_mask)
    for row, length in enumerate(LENGTHS):
        partition, expected, entropy_sum, cross_sum = brute_force(
            first, second, row, single_root, projective
        )
        assert_near(found["partition"][row], partition)
        assert_near(
            marginals[row, :length, : length + 1].exp(),
            expected,
        )
        assert_near(found["entropy"][row], float(entropy_sum))
        assert_near(found["cross"][row], float(cross_sum))
        assert_near(
            found["divergence"][row],
            float(cross_sum - entropy_sum),
        )


@kinds
def test_six_words(single_root, projective):
    potentials = random_potentials([6, 6], scale=3.0)
    trees = all_trees(6, single_root, projective)
    found = log_partition(potentials, single_root, projective)
    for row in range(2):
        expected = scores_of_all_trees(potentials, row, trees).logsumexp(0)
        assert_near(found[row], expected)


@kinds
def test_nll_is_of_a_distribution(single_root, projective):
    potentials = random_potentials([4], labels=2, factored=True)
    trees = torch.tensor(all_trees(4, single_root, projective))
    copies = potentials.select_rows(torch.zeros(len(trees), dtype=torch.long))
    total = 0.0
    for labels in itertools.product(range(2), repeat=4):
        labels = torch.tensor(labels).expand_as(trees)
        total += (-nll(copies, trees, labels, single_root, projective)).exp().sum()
    assert_near(float(total), 1.0)
    assert_near(float((-nll(copies, trees, None, single_root, projective)).exp().sum()), 1.0)


def test_score():
    potentials = random_potentials([3, 1, 0], labels=2)
    heads = torch.tensor([[2, 0, 2], [0, 7, 7], [9, 9, 9]])
    labels = torch.tensor([[1, 0, 1], [0, -1, -1], [5, 5, 5]])
    arcs, log_labels = potentials.arcs, dense(potentials)
    expected = [arcs[0, 0, 2] + arcs[0, 1, 0] + arcs[0, 2, 2], arcs[1, 0, 0], 0.0]
    assert_near(score(potentials, heads), torch.tensor(expected).double())
    labelled = expected[0] + log_labels[0, 0, 2, 1] + log_labels[0, 1, 0, 0]
    labelled = labelled + log_labels[0, 2, 2, 1]
    assert_near(score(potentials, heads, labels)[0], labelled)
    # A word as its own head is no arc.
    assert score(potentials, torch.tensor([[1, 0, 2], [0, 0, 0], [0, 0, 0]]))[0] == float("-inf")


@pytest.mark.parametrize(
    "heads, single_root, projective, kind",
    [
        ([2, 1, 0, 3], True, False, "a tree with one word on ROOT"),
        ([0, 0, 1, 1], True, False, "a tree with one word on ROOT"),
        ([2, 1, 0, 3], False, False, "a tree"),
        ([0, 1, 5, 1], False, False, "a tree"),
        ([0, 1, -1, 1], False, False, "a tree"),
        ([3, 4, 0, 3], True, True, "a projective tree"),
    ],
)
def test_nll_refuses_what_is_no_tree(heads, single_root, projective, kind):
    potentials = random_potentials([2, 4])
    good = [0, 1, 0, 0]
    with pytest.raises(ValueError, match=f"row 1 must be {kind}, found the heads .{heads[0]},"):
        nll(potentials, torch.tensor([good, heads]), None, single_root, projective)


@kinds
def test_gradients(single_root, projective):
    potentials = random_potentials([3, 1], labels=2, factored=True, padding=0.0)
    others = random_potentials([3, 1], labels=2, factored=True, padding=0.0, seed=5)
    mask, parts = potentials.mask, potentials.labels
    kind = (single_root, projective)

    def of(function):
        def run(arcs, head, weight):
            labels = type(parts)(head, parts.dependent, weight, parts.bias)
            return function(TreePotentials(arcs, mask, labels))

        leaves = (potentials.arcs, parts.head, parts.weight)
        return torch.autograd.gradcheck(
            run, tuple(leaf.clone().requires_grad_() for leaf in leaves)
        )

    assert of(lambda p: log_partition(p, *kind) + 0 * p.label_scores().sum())
    assert of(lambda p: log_arc_marginals(p, *kind).exp().flatten(1).cumsum(1))
    assert of(lambda p: entropy(p, *kind))
    assert of(lambda p: cross_entropy(p, others, *kind))
    assert of(lambda p: kl_divergence(p, others, *kind))
    assert of(lambda p: kl_divergence(others, p, *kind))


@kinds
def test_gradient_with_nan_in_padding(single_root, projective):
    potentials = random_potentials(LENGTHS, labels=3, factored=True)
    leaves = list(potentials.tensors())
    for leaf in leaves:
        leaf.requires_grad_()
    others = random_potentials(LENGTHS, labels=3, seed=3)
    loss = kl_divergence(others, potentials, single_root, projective)
    (loss + entropy(potentials, single_root, projective)).sum().backward()
    for leaf in leaves:
        assert not torch.isnan(leaf.grad).any() and leaf.grad.abs().sum() > 0
    assert (potentials.arcs.grad[~potentials.arc_mask] == 0).all()


@kinds
@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    extra=st.integers(0, 3),
    seed=st.integers(0, 999),
    scale=st.sampled_from([0.1, 3.0, 100.0]),
)
def test_invariants(single_root, projective, lengths, extra, seed, scale):
    kind = (single_root, projective)
    potentials = random_potentials(lengths, seed=seed, scale=scale)
    padded = random_potentials(lengths, seed=seed, scale=scale, extra=extra)
    partition = log_partition(potentials, *kind)
    assert_near(log_partition(padded, *kind), partition, rtol=1e-12, atol=1e-9)
    # A constant for a word's heads moves the sum and nothing else.
    shift = torch.randn(padded.mask.shape, dtype=torch.double) * padded.mask
    shifted = TreePotentials(padded.arcs + shift.unsqueeze(2), padded.mask)
    assert_near(log_partition(shifted, *kind), partition + shift.sum(1), rtol=1e-12, atol=1e-9)
    assert_near(kl_divergence(padded, shifted, *kind), torch.zeros(len(lengths)), atol=1e-7, rtol=0)
    assert (entropy(padded, *kind) > -1e-7).all()
    marginals = log_arc_marginals(padded, *kind).exp()
    assert_near(marginals.sum(2), padded.mask.double(), rtol=0, atol=1e-7)
    if single_root:
        assert_near(marginals[:, :, 0].sum(1), (padded.lengths > 0).double(), rtol=0, atol=1e-7)


@kinds
def test_forbidden_arcs(single_root, projective):
    # The first word reaches ROOT only through the last, which is the only one to hang on it.
    arcs = random_potentials([4]).arcs.clone()
    nothing = float("-inf")
    arcs[0, :3, 0] = nothing
    arcs[0, 0, 2:4] = nothing
    potentials = TreePotentials(arcs.requires_grad_(), torch.ones(1, 4, dtype=torch.bool))
    trees = all_trees(4, single_root, projective)
    expected = scores_of_all_trees(potentials, 0, trees).logsumexp(0)
    found = log_partition(potentials, single_root, projective)
    assert_near(found[0], expected)
    entropy(potentials, single_root, projective).sum().backward()
    assert not torch.isnan(arcs.grad).any()
    # Nothing hangs on ROOT any more.
    nowhere = arcs.detach().clone()
    nowhere[..., 0] = nothing
    nowhere = TreePotentials(nowhere, potentials.mask)
    assert log_partition(nowhere, single_root, projective).tolist() == [nothing]


def test_divergence_from_what_forbids_is_infinite():
    potentials = random_potentials([3])
    arcs = potentials.arcs.clone()
    arcs[0, 1, 0] = float("-inf")
    others = TreePotentials(arcs, potentials.mask)
    assert kl_divergence(potentials, others).tolist() == [float("inf")]
    assert 0 < float(kl_divergence(others, potentials)) < float("inf")


class TestStability:
    @kinds
    @pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
    def test_float32_of_sixty_words(self, single_root, projective, scale):
        kind = (single_root, projective)
        lengths = [60, 45] if projective else [60, 60, 45, 30]
        exact = random_potentials(lengths, scale=scale)
        single = TreePotentials(exact.arcs.float(), exact.mask)
        largest = scale * 60 * 5
        assert_near(
            log_partition(single, *kind).double(),
            log_partition(exact, *kind),
            rtol=0,
            atol=1e-7 * largest,
        )
        if scale == 1.0:
            assert_near(
                log_arc_marginals(single, *kind).exp().double(),
                log_arc_marginals(exact, *kind).exp(),
                rtol=0,
                atol=1e-6,
            )
            assert_near(
                entropy(single, *kind).double(), entropy(exact, *kind), rtol=1e-5, atol=1e-4
            )

    @pytest.mark.parametrize("single_root", [True, False])
    @pytest.mark.parametrize("confidence", [50.0, 1e4])
    def test_best_heads_in_a_cycle(self, single_root, confidence):
        # Both words prefer each other; a determinant of 1 - 1 would be left of it.
        arcs = torch.tensor([[[0.0, 0.0, confidence], [-1.0, confidence, 0.0]]])
        potentials = TreePotentials(arcs, torch.ones(1, 2, dtype=torch.bool))
        # Word 1 on ROOT with word 2 on it, or the reverse, or both on ROOT.
        expected = torch.tensor([confidence, confidence - 1.0] + [-1.0] * (not single_root))
        assert_near(log_partition(potentials, single_root)[0], expected.logsumexp(0))
        marginals = log_arc_marginals(potentials, single_root).exp()
        assert_near(marginals[0, 0, 0], torch.sigmoid(torch.tensor(1.0)))
