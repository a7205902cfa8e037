from dataclasses import replace

import pytest
import torch

from allennlp_kd.structs.chain import ChainPotentials, canonical, log_node_marginals
from tests.structs.chain import enumeration
from tests.structs.chain.enumeration import random_potentials


def shifted(potentials: ChainPotentials, seed: int) -> ChainPotentials:
    """The same distribution, with every part of it that may move moved."""
    generator = torch.Generator().manual_seed(seed)
    tags, mask = potentials.num_tags, potentials.mask
    rows, columns, start, end = torch.randn(4, tags, generator=generator, dtype=torch.double) * 5
    nodes = potentials.emissions.detach().clone()
    nodes += torch.randn(*mask.shape, 1, generator=generator, dtype=torch.double) * 5
    for row, words in enumerate(potentials.lengths.tolist()):
        if words:
            nodes[row, 0] -= start
            nodes[row, words - 1] -= end
            nodes[row, 1:words] -= columns
            nodes[row, : words - 1] -= rows
    return ChainPotentials(
        nodes,
        mask,
        potentials.transitions.detach() + rows.unsqueeze(1) + columns + 3,
        potentials.start.detach() + start,
        potentials.end.detach() + end,
    )


@pytest.mark.parametrize("num_tags", [1, 2, 4])
def test_defines_the_same_distribution(num_tags):
    potentials = random_potentials(num_tags, num_tags, scale=3.0)
    for row in range(potentials.batch_size):
        found, expected = (
            enumeration.all_scores(each, row).log_softmax(0)
            for each in (canonical(potentials), potentials)
        )
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("num_tags", [1, 2, 4])
def test_equal_distributions_have_equal_scores(num_tags):
    potentials = random_potentials(num_tags, num_tags)
    one, other = canonical(potentials), canonical(shifted(potentials, seed=num_tags))
    for name in ("emissions", "transitions", "start", "end"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name))


def test_is_centred_and_of_itself_the_same():
    found = canonical(random_potentials(1, 4))
    for means in (found.transitions.mean(0), found.transitions.mean(1), found.emissions.mean(2)):
        torch.testing.assert_close(means, torch.zeros_like(means), rtol=0, atol=1e-12)
    assert not found.start.any() and not found.end.any()
    assert not found.emissions[~found.mask].any()
    again = canonical(found)
    torch.testing.assert_close(again.emissions, found.emissions)
    torch.testing.assert_close(again.transitions, found.transitions)


def test_gradients():
    potentials = random_potentials(2, 3, (3, 1, 0), padded_value=0.0)

    def function(*scores):
        found = canonical(enumeration.rebuild(potentials, scores))
        return found.emissions, found.transitions

    assert torch.autograd.gradcheck(function, enumeration.leaves(potentials))


@pytest.mark.parametrize("name", ["emissions", "transitions", "start", "end"])
@pytest.mark.parametrize("value", [float("-inf"), float("inf"), float("nan")])
def test_scores_that_are_not_finite(name, value):
    if value == float("-inf") and name != "transitions":
        pytest.skip("a tag may be forbidden")
    potentials = random_potentials(0, 3, (2,), requires_grad=False)
    scores = getattr(potentials, name).clone()
    scores.view(-1)[0] = value
    with pytest.raises(
        ValueError, match=f"scores must be finite to be centered, found {value} in {name}"
    ):
        canonical(replace(potentials, **{name: scores}))


def test_forbidden_tags_stay_so_and_the_distribution_is_the_same():
    potentials = random_potentials(0, 3, (3, 1, 0), requires_grad=False)
    potentials.emissions[0, 1, 2] = float("-inf")
    potentials.start[1] = float("-inf")
    potentials.end[2] = float("-inf")
    found = canonical(potentials)
    expected = log_node_marginals(potentials)
    torch.testing.assert_close(log_node_marginals(found), expected)
    assert torch.isneginf(found.emissions).sum() == torch.isneginf(expected[potentials.mask]).sum()
    allowed = found.emissions[0, 1, :2]
    torch.testing.assert_close(allowed.mean(), torch.zeros_like(allowed.mean()))
