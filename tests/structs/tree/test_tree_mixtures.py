from dataclasses import replace

import pytest
import torch

from allennlp_kd.structs.tree import FactoredLabels, log_head_probabilities
from allennlp_kd.structs.tree.mixtures import mean_marginals, mean_potentials
from tests.structs.tree.enumeration import all_trees, random_potentials, scores_of_all_trees

LENGTHS = [3, 0, 4, 1]
WEIGHTS = (0.5, 0.3, 0.2)


def members(factored=True, labels=3, **options):
    return [
        random_potentials(LENGTHS, labels, factored, scale=2.0, seed=seed, **options)
        for seed in range(3)
    ]


def label_logs(potentials):
    return potentials.label_scores().log_softmax(3)[potentials.arc_mask]


@pytest.mark.parametrize("kinds", [(True,) * 3, (False,) * 3, (True, False, True)])
def test_mean_potentials_are_the_geometric_mean_of_the_distributions(kinds):
    found = [members(factored)[number] for number, factored in enumerate(kinds)]
    mixed = mean_potentials(found, WEIGHTS)
    for row, words in enumerate(LENGTHS):
        trees = all_trees(words, True, False)
        logs = [scores_of_all_trees(each, row, trees).log_softmax(0) for each in found]
        expected = sum(w * each for w, each in zip(WEIGHTS, logs)).log_softmax(0)
        torch.testing.assert_close(scores_of_all_trees(mixed, row, trees).log_softmax(0), expected)
    # Word by word and arc by arc.
    cells = mixed.arc_mask
    heads = sum(
        w * log_head_probabilities(e).masked_fill(~cells, 0) for w, e in zip(WEIGHTS, found)
    )
    heads = heads.masked_fill(~cells, float("-inf"))[mixed.mask].log_softmax(1)
    torch.testing.assert_close(log_head_probabilities(mixed)[mixed.mask], heads)
    labels = sum(w * label_logs(each) for w, each in zip(WEIGHTS, found)).log_softmax(1)
    torch.testing.assert_close(label_logs(mixed), labels)
    assert isinstance(mixed.labels, FactoredLabels) == all(kinds)


def test_arcs_are_centred_over_the_heads_of_a_word():
    found = members()
    loud = replace(found[0], arcs=found[0].arcs + 50)
    one, other = (mean_potentials([each, *found[1:]], WEIGHTS) for each in (found[0], loud))
    torch.testing.assert_close(one.arcs, other.arcs)  # with each word as its own head
    sums = one.arcs.masked_fill(~one.arc_mask, 0).sum(2)
    torch.testing.assert_close(sums, torch.zeros_like(sums), rtol=0, atol=1e-12)


@pytest.mark.parametrize("factored", [False, True])
def test_mean_marginals_are_the_mean_of_the_labelled_arcs(factored):
    found = members(factored)
    mixed = mean_marginals(found, WEIGHTS)
    cells = mixed.arc_mask

    def of_arcs(potentials):
        return log_head_probabilities(potentials)[cells].exp()

    def of_labelled_arcs(potentials):
        return of_arcs(potentials).unsqueeze(1) * label_logs(potentials).exp()

    for function in (of_arcs, of_labelled_arcs):
        expected = sum(w * function(each) for w, each in zip(WEIGHTS, found))
        torch.testing.assert_close(function(mixed), expected)


@pytest.mark.parametrize("mix", [mean_potentials, mean_marginals])
@pytest.mark.parametrize("factored", [False, True])
def test_padding_changes_nothing(mix, factored):
    one, other = (mix(members(factored, extra=extra), WEIGHTS) for extra in (0, 2))
    torch.testing.assert_close(one.arcs[one.arc_mask], other.arcs[other.arc_mask])
    torch.testing.assert_close(label_logs(one), label_logs(other))


@pytest.mark.parametrize("mix", [mean_potentials, mean_marginals])
def test_without_labels(mix):
    found = mix(members(labels=0), WEIGHTS)
    assert found.labels is None and found.num_labels == 0


def test_forbidden_arcs_cannot_be_centred():
    one, other, _ = members()
    one.arcs[0, 0, 0] = float("-inf")
    with pytest.raises(
        ValueError, match="scores must be finite to be centered, found -inf in arcs"
    ):
        mean_potentials([one, other], (0.5, 0.5))


def test_other_labels():
    with pytest.raises(ValueError, match="different labels: the first has 3, number 1 has 0"):
        mean_marginals([members()[0], members(labels=0)[0]], (0.5, 0.5))
