"""Scores of all arcs from their factors, against a product of all of them."""

import pytest
import torch
from torch.testing import assert_close

from allennlp_kd.structs.tree.labels.arc_label_scores import ArcLabelScores


def factors(heads=5, dependents=4, dtype=torch.double):
    generator = torch.Generator().manual_seed(0)
    shapes = (2, heads, 6), (2, dependents, 3, 6), (3,)
    return [torch.randn(*s, generator=generator, dtype=torch.double).to(dtype) for s in shapes]


def defined(head, projected, bias):
    products = head[:, None, :, None] * projected[:, :, None]
    return products.sum(4) + bias


@pytest.mark.parametrize("heads, dependents", [(5, 4), (1, 1), (2, 1), (1, 0)])
def test_values_and_gradients(heads, dependents):
    results = []
    for function in (ArcLabelScores.apply, defined):
        leaves = [part.requires_grad_() for part in factors(heads, dependents)]
        scores = function(*leaves)
        (scores * torch.arange(scores.numel()).view_as(scores).cos()).sum().backward()
        results.append([scores.detach(), *(leaf.grad for leaf in leaves)])
    for ours, expected in zip(*results):
        assert_close(ours, expected)


def test_labels_lie_side_by_side():
    scores = ArcLabelScores.apply(*factors())
    assert scores.stride(3) == 1 and scores.transpose(1, 2).is_contiguous()


def test_first_and_second_derivatives():
    leaves = tuple(part.requires_grad_() for part in factors(2, 2))
    assert torch.autograd.gradcheck(ArcLabelScores.apply, leaves)
    assert torch.autograd.gradgradcheck(ArcLabelScores.apply, leaves)


def test_mixed_types_are_those_of_the_wider_one():
    head, projected, bias = factors(dtype=torch.float32)
    leaves = [head.requires_grad_(), projected.bfloat16().requires_grad_(), bias.requires_grad_()]
    # Where a half precision has made one of them, the other one need not be narrowed too.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = ArcLabelScores.apply(*leaves)
    scores.sum().backward()
    assert scores.dtype == torch.float32
    assert [leaf.grad.dtype for leaf in leaves] == [leaf.dtype for leaf in leaves]
    assert_close(scores, defined(head, leaves[1].float(), bias))
