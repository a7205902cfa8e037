"""Divergences over labels in closed form, against those of `torch.log_softmax`."""

import pytest
import torch
from torch.testing import assert_close

from allennlp_kd.objectives.tree.label_divergence import LabelDivergence

NOTHING, NAN = float("-inf"), float("nan")


def random_scores(seed, labels=3, dtype=torch.double):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(2, 4, 5, labels, generator=generator, dtype=torch.double)
    return (3 * scores).to(dtype)


def defined(student, teacher):
    log_p, log_q = teacher.log_softmax(3), student.log_softmax(3)
    return (log_p.exp() * (log_p - log_q)).sum(3)


def with_gradient(function, student, teacher):
    leaf = student.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    losses = function(leaf, teacher)
    # Each arc has another weight.
    (losses * torch.arange(40.0).view(2, 4, 5).cos().to(losses.dtype)).sum().backward()
    return losses.detach(), leaf.grad


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("permuted", [True, False])
def test_values_and_gradients(labels, permuted):
    student, teacher = random_scores(0, labels), random_scores(1, labels)
    if permuted:  # as factored scores lie in memory
        student = student.transpose(1, 2).contiguous().transpose(1, 2)
    before = student.clone(), teacher.clone()
    found = with_gradient(LabelDivergence.apply, student, teacher)
    for ours, expected in zip(found, with_gradient(defined, student, teacher)):
        assert_close(ours, expected, rtol=1e-10, atol=1e-12)
    assert torch.equal(student, before[0]) and torch.equal(teacher, before[1])
    leaf = student.requires_grad_()
    assert torch.autograd.gradcheck(lambda scores: LabelDivergence.apply(scores, teacher), leaf)


def test_narrow_scores_far_from_zero_lose_nothing():
    wide = random_scores(0), random_scores(1)
    # A constant over an arc's labels changes no distribution.
    narrow = wide[0].float() - 512, wide[1].float() + 1024
    wide = narrow[0].double(), narrow[1].double()
    found = with_gradient(LabelDivergence.apply, *narrow)
    for ours, expected in zip(found, with_gradient(defined, *wide)):
        assert_close(ours.double(), expected, rtol=1e-5, atol=1e-6)


def test_what_is_forbidden():
    student = torch.tensor(
        [[0.0, 1.0, NOTHING], [0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [NOTHING, 0.0, 0.0], [NOTHING] * 3]
    ).requires_grad_()
    teacher = torch.tensor(
        [[0.0, 0.0, NOTHING], [0.0, 0.0, NOTHING], [NOTHING] * 3, [0.0] * 3, [NOTHING] * 3]
    )
    losses = LabelDivergence.apply(student, teacher)
    halves = torch.tensor([0.5, 0.5]).log()
    expected = [
        (0.5 * (halves - student[row, :number].log_softmax(0)[:2])).sum()
        for row, number in ((0, 2), (1, 3))
    ]
    assert_close(
        losses, torch.stack([*expected, *torch.tensor([NAN, float("inf"), NAN])]), equal_nan=True
    )
    losses.sum().backward()
    assert torch.isfinite(student.grad).all()
    assert (student.grad[[2, 4]] == 0).all() and student.grad[0, 2] == 0
    assert_close(student.grad[1], student[1].detach().softmax(0) - torch.tensor([0.5, 0.5, 0.0]))


def test_narrow_scores_keep_their_type_in_the_gradient():
    student, teacher = random_scores(0, dtype=torch.bfloat16), random_scores(1).float()
    losses, gradient = with_gradient(LabelDivergence.apply, student, teacher)
    assert losses.dtype == torch.float32 and gradient.dtype == torch.bfloat16
    assert_close(losses, defined(student.float(), teacher))
    both = LabelDivergence.apply(student, teacher.bfloat16())
    assert both.dtype == torch.float32


def test_autocast_does_not_narrow_it():
    student, teacher = random_scores(0).float(), random_scores(1).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses, gradient = with_gradient(LabelDivergence.apply, student, teacher)
    assert losses.dtype == gradient.dtype == torch.float32
    assert_close(losses, defined(student, teacher))


def test_a_second_derivative_is_refused():
    leaf = random_scores(0).requires_grad_()
    losses = LabelDivergence.apply(leaf, random_scores(1))
    with pytest.raises(RuntimeError, match="labels have only a first derivative, found create_gr"):
        torch.autograd.grad(losses.sum(), leaf, create_graph=True)
