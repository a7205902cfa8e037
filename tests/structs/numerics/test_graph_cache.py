"""Several losses of the same potentials, each differentiated by itself."""

import pytest
import torch
from torch.testing import assert_close

from allennlp_kd.structs import tree
from allennlp_kd.structs.numerics.graph_cache import Masked, Projected, in_order
from tests.structs.tree.enumeration import random_potentials

LOSSES = [
    lambda p: tree.nll(p, torch.arange(3).expand(3, 3), torch.zeros(3, 3, dtype=torch.long)),
    tree.entropy,
    lambda p: p.label_scores_of(torch.arange(3).expand(3, 3)).square().sum((1, 2)),
    lambda p: tree.log_head_probabilities(p)[:, :, 0][p.mask],
]


def student(factored):
    found = random_potentials([3, 3, 3], labels=2, factored=factored)
    return found, [tensor.requires_grad_() for tensor in found.tensors()]


@pytest.mark.parametrize("factored", [False, True])
@pytest.mark.parametrize("lengths", [[3, 3, 3], [3, 9, 1]])
@pytest.mark.parametrize("interleaved", [False, True])
def test_two_backward_passes_through_the_same_potentials(factored, lengths, interleaved):
    def gradients(shared):
        potentials = random_potentials(lengths, labels=2, factored=factored)
        leaves = [tensor.requires_grad_() for tensor in potentials.tensors()]
        heads = torch.zeros(potentials.mask.shape, dtype=torch.long)

        def fresh():
            if shared:
                return potentials
            return tree.TreePotentials(potentials.arcs, potentials.mask, potentials.labels)

        def first():
            return tree.entropy(fresh()).sum()

        def second():
            return tree.score(fresh(), heads, heads).sum()

        found = []
        losses = [first(), second(), first()] if interleaved else [first, second, first]
        for loss in losses:
            loss = loss if interleaved else loss()
            found += torch.autograd.grad(loss, leaves, allow_unused=True)
        return found

    if lengths != [3, 3, 3] and factored:
        assert len(random_potentials(lengths, labels=2, factored=True).label_groups.rows) > 1
    for found, expected in zip(gradients(True), gradients(False)):
        assert (found is None) == (expected is None)
        if found is not None:
            assert_close(found, expected, equal_nan=True)


@pytest.mark.parametrize("factored", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_what_was_computed_without_gradients_has_them_where_they_are_wanted(factored, loss):
    potentials, leaves = student(factored)
    with torch.no_grad():
        expected = loss(potentials)
    found = loss(potentials)
    assert_close(found, expected)
    assert any(g is not None for g in torch.autograd.grad(found.sum(), leaves, allow_unused=True))


def test_is_computed_once():
    potentials, _ = student(True)
    assert potentials.arc_scores is potentials.arc_scores
    parts = potentials.label_groups.parts
    assert potentials.label_groups.parts is parts and parts[0].projected is parts[0].projected
    detached = potentials.detach()
    with torch.no_grad():
        scores = detached.arc_scores
    assert detached.arc_scores is scores  # nothing to differentiate


def test_first_and_second_derivatives():
    generator = torch.Generator().manual_seed(0)

    def random(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.double, requires_grad=True)

    keep = torch.tensor([[True], [False], [True]])
    order = torch.tensor([2, 0, 1])
    for function, inputs in (
        (lambda x: Masked.apply(x, keep, 0.0) ** 2, (random(3, 2),)),
        (lambda x: in_order(x, order) ** 2, (random(3, 2),)),
        (Projected.apply, (random(2, 3, 4), random(5, 4))),
    ):
        assert torch.autograd.gradcheck(function, inputs)
        assert torch.autograd.gradgradcheck(function, inputs)
    assert Masked.apply(torch.tensor([1.0, float("nan")]), torch.tensor([True, False]), 5.0)[1] == 5
