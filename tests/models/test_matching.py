import pytest
import torch

from allennlp_kd.models.loss_terms import zero_of
from allennlp_kd.models.matching import have_nan, merge_labels, on_same_words, spread_tags
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.tree import FactoredLabels, TreePotentials

LENGTHS = [3, 1]


def mask(lengths, width):
    return torch.arange(width) < torch.tensor(lengths).unsqueeze(1)


def chain(width, lengths=LENGTHS, tags=3):
    scores = torch.randn(len(lengths), width, tags), torch.randn(tags, tags)
    return ChainPotentials(scores[0], mask(lengths, width), scores[1])


def tree(width, lengths=LENGTHS, labels=3):
    arcs = torch.randn(len(lengths), width, width + 1)
    scores = torch.randn(len(lengths), width, width + 1, labels)
    return TreePotentials(arcs, mask(lengths, width), scores)


@pytest.mark.parametrize("make", [chain, tree])
def test_padding_that_all_share_is_dropped_on_either_side(make):
    wide, narrow = make(5), make(3)
    for student, teacher in ((wide, narrow), (narrow, wide)):
        found = on_same_words(student, teacher)
        assert all(torch.equal(part.mask, narrow.mask) for part in found)
    student, _ = on_same_words(wide, narrow)
    scores = student.arcs if make is tree else student.emissions
    expected = wide.arcs[:, :3, :4] if make is tree else wide.emissions[:, :3]
    assert torch.equal(scores, expected)
    assert on_same_words(narrow, narrow)[0] is narrow


@pytest.mark.parametrize("make", [chain, tree])
def test_other_words_are_refused(make):
    with pytest.raises(ValueError, match="scored 2 words, but sentence 1 .* has 1"):
        on_same_words(make(3), make(3, [3, 2]))
    with pytest.raises(ValueError, match="2 sentences have teacher inputs, .* scored 1"):
        on_same_words(make(3), make(3, [3]))


@pytest.mark.parametrize("make", [chain, tree])
def test_spreading_is_the_inverse_of_selecting(make):
    potentials = make(3)
    spread = spread_tags(potentials, [4, 0, 2], 5)
    back = spread.select_tags([4, 0, 2])
    if make is tree:
        assert torch.equal(back.labels, potentials.labels)
        assert bool((spread.labels[..., [1, 3]] == float("-inf")).all())
    else:
        assert torch.equal(back.emissions, potentials.emissions)
        assert torch.equal(back.transitions, potentials.transitions)
        assert bool((spread.emissions[..., [1, 3]] == float("-inf")).all())
    assert spread_tags(potentials, [0, 1, 2], 3) is potentials


def test_nan_counts_where_a_score_does():
    potentials = chain(3)
    assert not have_nan(potentials)
    potentials.emissions[1, 1, 0] = float("nan")  # padding
    assert not have_nan(potentials)
    potentials.transitions[0, 1] = float("nan")
    assert have_nan(potentials)


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("place", [(0, 1, 2), (1, 2, 0), (0, 2, 0)])  # itself, padding, an arc
def test_nan_counts_where_there_is_an_arc(labels, place):
    potentials = tree(3)
    scores = potentials.labels if labels else potentials.arcs
    scores[place] = float("nan")
    potentials = potentials if labels else potentials.without_labels()
    assert have_nan(potentials) == (place == (0, 2, 0))


def test_a_zero_with_a_gradient_of_zero_even_where_a_score_is_infinite():
    potentials = chain(3)
    potentials.transitions[0, 0] = float("-inf")
    for part in (potentials.emissions, potentials.transitions):
        part.requires_grad_()
    zero = zero_of(potentials)
    zero.backward()
    assert float(zero) == 0.0
    assert all(not part.grad.any() for part in (potentials.emissions, potentials.transitions))


@pytest.mark.parametrize("factored", [True, False])
@pytest.mark.parametrize("width", [3, 70])  # in one block and in several
def test_merged_labels_have_the_sum_of_the_probabilities(factored, width):
    potentials = tree(width, [width, 1], labels=5)
    if factored:
        parts = (2, width + 1, 4), (2, width, 3), (5, 4, 3), (5,)
        labels = FactoredLabels(*(torch.randn(shape) for shape in parts))
        potentials = TreePotentials(potentials.arcs, potentials.mask, labels)
    merged = merge_labels(potentials, [[3, 1, 4], [0], [2]])
    expected = potentials.label_scores().softmax(dim=-1)
    first = expected[..., 3] + expected[..., 1] + expected[..., 4]
    expected = torch.stack([first, expected[..., 0], expected[..., 2]], dim=-1)
    cells = potentials.arc_mask
    torch.testing.assert_close(merged.label_scores().softmax(dim=-1)[cells], expected[cells])
    assert merged.num_labels == 3 and torch.equal(merged.arcs, potentials.arcs)
    # A label of its own keeps its score, as in `select_labels`.
    torch.testing.assert_close(
        merged.label_scores()[cells][:, 1], potentials.label_scores()[cells][:, 0]
    )
