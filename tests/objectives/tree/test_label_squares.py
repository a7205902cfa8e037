"""Squares over labels in closed form, against those of their definition."""

import pytest
import torch
from torch.testing import assert_close

from allennlp_kd.objectives.tree.label_squares import LabelSquares
from tests.objectives.tree.test_label_divergence import random_scores, with_gradient


def defined(centred):
    def function(student, teacher):
        differences = student - teacher
        if centred:
            return differences.var(3, unbiased=False)
        return differences.square().mean(3)

    return function


def closed(centred):
    return lambda student, teacher: LabelSquares.apply(student, teacher, centred)[0]


@pytest.mark.parametrize("centred", [True, False])
def test_means_and_their_gradients(centred):
    student, teacher = random_scores(0, 3), random_scores(1, 3)
    leaf = student.requires_grad_()

    def both(scores):
        squares, means = LabelSquares.apply(scores, teacher, centred)
        return squares + 3 * means, means

    assert_close(both(leaf)[1], (student - teacher).mean(3))
    assert torch.autograd.gradcheck(both, leaf)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("permuted", [True, False])
def test_values_and_gradients(centred, labels, permuted):
    student, teacher = random_scores(0, labels), random_scores(1, labels)
    if permuted:  # as factored scores lie in memory
        student = student.transpose(1, 2).contiguous().transpose(1, 2)
    before = student.clone(), teacher.clone()
    found = with_gradient(closed(centred), student, teacher)
    for ours, expected in zip(found, with_gradient(defined(centred), student, teacher)):
        assert_close(ours, expected, rtol=1e-10, atol=1e-12)
    assert torch.equal(student, before[0]) and torch.equal(teacher, before[1])
    leaf = student.requires_grad_()
    assert torch.autograd.gradcheck(lambda scores: closed(centred)(scores, teacher), leaf)


def test_narrow_scores_keep_their_type_in_the_gradient():
    student, teacher = random_scores(0, dtype=torch.bfloat16), random_scores(1).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses, gradient = with_gradient(closed(True), student, teacher)
    assert losses.dtype == torch.float32 and gradient.dtype == torch.bfloat16
    assert_close(losses, defined(True)(student.float(), teacher))


def test_a_second_derivative_is_refused():
    leaf = random_scores(0).requires_grad_()
    losses, _ = LabelSquares.apply(leaf, random_scores(1), True)
    with pytest.raises(RuntimeError, match="labels have only a first derivative, found create_gr"):
        torch.autograd.grad(losses.sum(), leaf, create_graph=True)
