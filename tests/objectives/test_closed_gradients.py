"""The gradient in closed form, against that of the defining sums; types; what has none."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from allennlp_kd.objectives.chain.predictions import edge_predictions
from allennlp_kd.objectives.chain.scores import centred_scores, raw_scores
from allennlp_kd.objectives.chain.weighted_scores import weighted_scores
from tests.objectives.chains import enumerated_predictions, enumerated_raw, random_chains

LENGTHS = [4, 1, 0, 3, 2]
NAMES = ("emissions", "transitions", "start", "end")


CLOSED = [raw_scores, centred_scores, edge_predictions]


def rows(enumerated):
    def naive(student, teacher):
        return torch.stack([enumerated(student, teacher, row) for row in range(len(LENGTHS))])

    return naive


def naive_centred(student, teacher):
    uniform = torch.full_like(student.emissions, 1 / student.num_tags)
    return weighted_scores(student, teacher, uniform)


@pytest.mark.parametrize(
    "closed, naive",
    [
        (raw_scores, rows(enumerated_raw)),
        (centred_scores, naive_centred),
        (edge_predictions, rows(enumerated_predictions)),
    ],
)
@pytest.mark.parametrize("tags", [1, 3])
@pytest.mark.parametrize("dense", [True, False])
def test_gradient_is_that_of_the_definition(closed, naive, tags, dense):
    student, teacher = (random_chains(LENGTHS, tags, seed, padding=1) for seed in (0, 1))
    if not dense:  # as a student leaves them that permutes its dimensions
        emissions = student.emissions.transpose(0, 2).contiguous().transpose(0, 2)
        student = replace(student, emissions=emissions)
    found = []
    for function in (closed, naive):
        leaves = {name: getattr(student, name).detach().requires_grad_() for name in NAMES}
        losses = function(replace(student, **leaves), teacher)
        # Each sentence has another weight.
        (losses * torch.arange(1.0, 6.0)).sum().backward()
        found.append([losses.detach(), *(leaves[name].grad for name in NAMES)])
    for ours, expected in zip(*found):
        assert_close(ours, expected, atol=1e-12, rtol=1e-9)
    padding = ~student.mask
    assert (found[0][1][padding] == 0).all()


@pytest.mark.parametrize("function", CLOSED)
def test_narrow_emissions_keep_their_type_in_the_gradient(function):
    student, teacher = (random_chains(LENGTHS, 3, seed) for seed in (0, 1))
    emissions = student.emissions.to(torch.bfloat16).requires_grad_()
    mixed = replace(student, emissions=emissions)
    losses = function(mixed, teacher)
    losses.sum().backward()
    assert losses.dtype == torch.float64
    assert emissions.grad.dtype == torch.bfloat16
    assert_close(losses, function(student, teacher), atol=0.05, rtol=0.05)


@pytest.mark.parametrize("function", CLOSED)
def test_a_second_derivative_is_refused(function):
    student, teacher = (random_chains(LENGTHS, 3, seed) for seed in (0, 1))
    leaf = student.transitions.detach().requires_grad_()
    losses = function(replace(student, transitions=leaf), teacher)
    with pytest.raises(RuntimeError, match="only a first derivative, found create_graph=True"):
        torch.autograd.grad(losses.sum(), leaf, create_graph=True)


@pytest.mark.parametrize("function", CLOSED)
def test_autocast_does_not_narrow_it(function):
    wide = [random_chains(LENGTHS, 3, seed) for seed in (0, 1)]
    student, teacher = (
        replace(chains, **{name: getattr(chains, name).float() for name in NAMES})
        for chains in wide
    )
    leaf = student.emissions.requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = function(student, teacher)
    losses.sum().backward()
    assert losses.dtype == leaf.grad.dtype == torch.float32
    assert_close(losses.double(), function(*wide), rtol=1e-5, atol=1e-5)
