import pytest
import torch

from allennlp_kd.structs.numerics.log_probabilities import divergence, expectation, log_normalized
from allennlp_kd.structs.tree import (
    TreePotentials,
    k_best_heads,
    log_head_probabilities,
    log_label_probabilities,
)
from allennlp_kd.structs.tree.blocks import over_label_scores
from tests.structs.tree.enumeration import random_potentials
from tests.structs.tree.near import assert_near

LENGTHS = [4, 1, 0, 3]
NOTHING = float("-inf")


def test_heads_of_each_word():
    potentials = random_potentials(LENGTHS, extra=1)
    found = log_head_probabilities(potentials)
    assert torch.equal(found == NOTHING, ~potentials.arc_mask)
    for row, length in enumerate(LENGTHS):
        for word in range(length):
            heads = [head for head in range(length + 1) if head != word + 1]
            expected = potentials.arcs[row, word, heads].softmax(0)
            assert_near(found[row, word, heads].exp(), expected)


def test_gradient_of_heads_has_no_nan():
    arcs = random_potentials(LENGTHS).arcs.requires_grad_()
    potentials = TreePotentials(arcs, random_potentials(LENGTHS).mask)
    log_head_probabilities(potentials)[potentials.arc_mask].pow(2).sum().backward()
    assert not torch.isnan(arcs.grad).any()
    assert (arcs.grad[~potentials.arc_mask] == 0).all()


@pytest.mark.parametrize("factored", [True, False])
def test_labels_of_an_arc(factored):
    potentials = random_potentials(LENGTHS, labels=3, factored=factored)
    heads = torch.tensor([[2, 0, 4, 1], [0] * 4, [0] * 4, [0, 1, 2, 0]])
    found = log_label_probabilities(potentials, heads)
    for row, length in enumerate(LENGTHS):
        for word in range(length):
            expected = potentials.label_scores()[row, word, heads[row, word]].softmax(0)
            assert_near(found[row, word].exp(), expected)


class TestKBestHeads:
    def test_against_sorting(self):
        potentials = random_potentials(LENGTHS)
        heads, scores = k_best_heads(potentials, 3)
        assert heads.shape == scores.shape == (4, 4, 3)
        for row, length in enumerate(LENGTHS):
            for word in range(length):
                table = log_head_probabilities(potentials)[row, word].tolist()
                best = sorted(range(5), key=lambda head: -table[head])[:3]
                possible = [head for head in best if table[head] > NOTHING]
                assert heads[row, word].tolist() == possible + [0] * (3 - len(possible))
                assert_near(scores[row, word, : len(possible)], [table[head] for head in possible])
                assert (scores[row, word, len(possible) :] == NOTHING).all()

    def test_more_than_there_are(self):
        heads, scores = k_best_heads(random_potentials([1]), 4)
        assert heads.tolist() == [[[0, 0, 0, 0]]]
        assert scores.tolist() == [[[0.0, NOTHING, NOTHING, NOTHING]]]

    def test_k(self):
        with pytest.raises(ValueError, match="k must be at least 1, found 0"):
            k_best_heads(random_potentials([1]), 0)


class TestTables:
    def test_rows_of_nothing(self):
        scores = torch.tensor([[NOTHING, NOTHING], [0.0, NOTHING]]).requires_grad_()
        found = log_normalized(scores)
        assert found.tolist() == [[NOTHING, NOTHING], [0.0, NOTHING]]
        expectation(found, scores).sum().backward()
        assert not torch.isnan(scores.grad).any()

    def test_nothing_times_infinity(self):
        log_p = torch.tensor([0.0, NOTHING])
        assert float(expectation(log_p, torch.tensor([2.0, NOTHING]))) == 2.0
        assert float(divergence(log_p, log_p)) == 0.0
        assert float(divergence(torch.tensor([0.5, 0.5]).log(), log_p)) == float("inf")


class TestBlocks:
    @pytest.mark.parametrize("factored", [True, False])
    @pytest.mark.parametrize("max_cells", [1, 60, 119, 240, 10**6])
    def test_same_values_and_gradients(self, factored, max_cells):
        def run(cells):
            first = random_potentials(LENGTHS, labels=3, factored=factored)
            second = random_potentials(LENGTHS, labels=2, factored=factored, seed=1)
            leaves = list(first.tensors())[1:]
            for leaf in leaves:
                leaf.requires_grad_()
            shapes = []

            def function(scores, others):
                shapes.append(tuple(scores.shape))
                return scores.logsumexp(3) * others.amax(3)

            result = over_label_scores(function, first, second, max_cells=cells)
            result[first.arc_mask].sum().backward()
            return result.detach(), [leaf.grad for leaf in leaves], shapes

        found, gradients, shapes = run(max_cells)
        expected, expected_gradients, whole = run(10**6)
        assert whole == [(4, 4, 5, 3)]
        assert all(b * w * h * k <= max(max_cells, 60) for b, w, h, k in shapes)
        assert_near(found, expected)
        for gradient, expected_gradient in zip(gradients, expected_gradients):
            assert_near(gradient, expected_gradient)

    def test_fewer_cells_are_kept_for_the_gradient(self):
        def kept(max_cells):
            sizes = []
            potentials = random_potentials([12] * 4, labels=50, factored=True)
            for tensor in potentials.tensors():
                tensor.requires_grad_()
            hooks = torch.autograd.graph.saved_tensors_hooks(
                lambda tensor: sizes.append(tensor.numel()) or tensor, lambda tensor: tensor
            )
            with hooks:
                over_label_scores(
                    lambda scores: scores.logsumexp(3), potentials, max_cells=max_cells
                )
            return max(sizes, default=0)

        assert kept(10**6) >= 4 * 12 * 13 * 50
        assert kept(4 * 13 * 50) <= 4 * 13 * 50
