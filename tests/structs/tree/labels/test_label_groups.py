"""Label scores by the lengths of sentences, against those of the whole batch."""

import pytest
import torch
from hypothesis import given, settings, strategies as st

from allennlp_kd.structs.tree import TreePotentials
from allennlp_kd.structs.tree.blocks import over_label_scores
from allennlp_kd.structs.tree.labels.label_groups import LEAST_SHARE, by_length
from tests.structs.tree.enumeration import random_potentials
from tests.structs.tree.near import assert_near

BATCHES = [[9, 0, 40, 1, 17, 39, 3, 11], [5, 6], [2], [0, 0], [20, 1]]


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 150), max_size=40),
    share=st.sampled_from(sorted(LEAST_SHARE.values())),
)
def test_each_row_is_in_one_group_and_not_much_shorter_than_it(lengths, share):
    groups = by_length(lengths, share)
    assert sorted(row for rows, _ in groups for row in rows) == list(range(len(lengths)))
    for rows, width in groups:
        assert width == max((lengths[row] for row in rows), default=0)
        assert all(lengths[row] + 4 >= share * width for row in rows)
    # So that there are few of them.
    for (_, width), (_, narrower) in zip(groups, groups[1:]):
        assert narrower + 4 < share * width


def function(scores, others):
    return scores.logsumexp(3) * others.amax(3)


@pytest.mark.parametrize("lengths", BATCHES)
@pytest.mark.parametrize("factored", [True, False])
def test_same_values_and_gradients_as_of_the_whole_batch(lengths, factored):
    results = []
    for grouped in (True, False):
        # Of as many labels as one of the groups has heads, and one of the others more.
        options = {"factored": factored, "extra": 1, "padding": float("nan")}
        first = random_potentials(lengths, labels=18, **options)
        second = random_potentials(lengths, labels=2, seed=1, **options)
        leaves = [*list(first.tensors())[1:], *list(second.tensors())[1:]]
        for leaf in leaves:
            leaf.requires_grad_()
        if grouped:
            found = over_label_scores(function, first, second)
        else:
            found = function(first.label_scores(), second.label_scores())
        found = found.masked_fill(~first.arc_mask, 0)
        # Each cell has another weight.
        weights = torch.arange(found.numel(), dtype=found.dtype).view(found.shape).cos()
        (found * weights).sum().backward()
        results.append([found.detach(), *(leaf.grad for leaf in leaves)])
    for ours, expected in zip(*results):
        assert_near(ours, expected)


@pytest.mark.parametrize("lengths", BATCHES)
def test_one_arc_into_each_word(lengths):
    potentials = random_potentials(lengths, labels=18, factored=True, extra=1)
    generator = torch.Generator().manual_seed(0)
    mask, most = potentials.mask, potentials.max_length
    shape = tuple(mask.shape)
    # Anything in padding; of the words some that are none of the sentence, which mean nothing.
    heads = torch.randint(0, most + 1, shape, generator=generator)
    counts = mask & (heads <= potentials.lengths.unsqueeze(1))
    heads[~mask] = 10**6
    found = potentials.label_scores_of(heads)
    assert found.shape == (*shape, 18) and torch.isfinite(found).all()
    index = heads.clamp(max=most)[:, :, None, None].expand(-1, -1, 1, 18)
    assert_near(found[counts], potentials.label_scores().gather(2, index).squeeze(2)[counts])


def test_little_padding_is_computed_with():
    lengths, cells = [22, 1, 22, 34, 31, 13, 19, 18, 26, 8, 62, 97, 5, 12], []

    def count(scores):
        cells.append(scores[..., 0].numel())
        return scores.sum(3)

    over_label_scores(count, random_potentials(lengths, labels=2, factored=True))
    arcs = sum(n * (n + 1) for n in lengths)
    assert arcs <= sum(cells) < 1.2 * arcs and len(cells) <= 9


def test_potentials_of_other_sentences_are_refused():
    first, second = (random_potentials(lengths, labels=2) for lengths in ([3, 40], [40, 3]))
    with pytest.raises(
        ValueError, match=r"same batch, found sentences of \[\[3, 40\], \[40, 3\]\]"
    ):
        over_label_scores(function, first, second)


def test_an_empty_batch():
    found = over_label_scores(
        lambda scores: scores.sum(3),
        TreePotentials(torch.zeros(0, 3, 4), torch.ones(0, 3).bool(), torch.zeros(0, 3, 4, 2)),
    )
    assert found.shape == (0, 3, 4)
