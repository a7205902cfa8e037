from dataclasses import replace

import pytest
import torch

from allennlp_kd.structs.chain.mixtures import mean_marginals, mean_potentials
from tests.structs.chain import enumeration
from tests.structs.chain.enumeration import random_potentials

WEIGHTS = (0.5, 0.3, 0.2)


def members(num_tags=3, **options):
    return [random_potentials(seed, num_tags, requires_grad=False, **options) for seed in range(3)]


@pytest.mark.parametrize("num_tags", [1, 2, 4])
def test_mean_potentials_are_the_geometric_mean_of_the_distributions(num_tags):
    found = members(num_tags, scale=2.0)
    mixed = mean_potentials(found, WEIGHTS)
    for row in range(mixed.batch_size):
        logs = [enumeration.all_scores(each, row).log_softmax(0) for each in found]
        expected = sum(w * each for w, each in zip(WEIGHTS, logs)).log_softmax(0)
        torch.testing.assert_close(enumeration.all_scores(mixed, row).log_softmax(0), expected)


@pytest.mark.parametrize("num_tags", [1, 2, 4])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_mean_marginals_are_the_mean_of_the_node_marginals(num_tags, scale):
    found = members(num_tags, scale=scale)
    mixed = mean_marginals(found, WEIGHTS)
    expected = sum(w * enumeration.log_node_marginals(e).exp() for w, e in zip(WEIGHTS, found))
    torch.testing.assert_close(enumeration.log_node_marginals(mixed).exp(), expected)
    assert not mixed.transitions.any() and not mixed.start.any() and not mixed.end.any()
    assert torch.isfinite(mixed.emissions).all()


@pytest.mark.parametrize("mix", [mean_potentials, mean_marginals])
def test_padding_changes_nothing(mix):
    found = members(padding=0)
    longer = [
        replace(
            each,
            emissions=torch.nn.functional.pad(each.emissions, (0, 0, 0, 3), value=float("nan")),
            mask=torch.nn.functional.pad(each.mask, (0, 3)),
        )
        for each in found
    ]
    one, other = (mix(each, WEIGHTS) for each in (found, longer))
    torch.testing.assert_close(one.emissions, other.emissions[:, : one.mask.shape[1]])
    torch.testing.assert_close(one.transitions, other.transitions)


@pytest.mark.parametrize("mix", [mean_potentials, mean_marginals])
def test_one_member_is_its_own_mean(mix):
    (only,) = members()[:1]
    torch.testing.assert_close(
        enumeration.log_node_marginals(mix([only], [1.0])), enumeration.log_node_marginals(only)
    )


class TestErrors:
    @pytest.mark.parametrize("weights", [(), (1.0,)])
    def test_number_of_weights(self, weights):
        with pytest.raises(ValueError, match="found 3 members and the weights"):
            mean_potentials(members(), weights)

    @pytest.mark.parametrize("weights", [(1.0, 0.0), (1.5, -0.5), (0.5, 0.6)])
    def test_weights(self, weights):
        with pytest.raises(ValueError, match="greater than 0 and add up to 1, found"):
            mean_marginals(members()[:2], weights)

    def test_no_member(self):
        with pytest.raises(ValueError, match="found 0 members"):
            mean_marginals([], [])

    def test_other_words(self):
        one, other, _ = members()
        other = replace(other, mask=other.mask.flip(0))
        with pytest.raises(
            ValueError, match=r"different words: the first has sentences of \[3, 0, .* number 1"
        ):
            mean_potentials([one, other], (0.5, 0.5))

    def test_other_tags(self):
        with pytest.raises(ValueError, match="different labels: the first has 3, number 1 has 2"):
            mean_potentials([members(3)[0], members(2)[0]], (0.5, 0.5))
