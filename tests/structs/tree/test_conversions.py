"""What a conversion keeps, against distributions that are enumerated."""

import itertools

import pytest
import torch

from allennlp_kd.structs.chain import log_node_marginals
from allennlp_kd.structs.tree import TreePotentials, log_head_probabilities
from allennlp_kd.structs.tree.conversions import of_arc_marginals, relative_tags
from tests.structs.tree.enumeration import all_trees, random_potentials

LENGTHS = [3, 1, 0, 4]


def second_order_marginals(length, size, seed):
    """The arc marginals of a parser that scores arcs and pairs of siblings, over all its trees."""
    generator = torch.Generator().manual_seed(seed)
    arcs = torch.randn(length, length + 1, generator=generator).double()
    siblings = torch.randn(length, length, generator=generator).double()
    trees = all_trees(length, True, False)
    scores = []
    for heads in trees:
        score = sum((arcs[word, head] for word, head in enumerate(heads)), torch.zeros(1).double())
        for one, other in itertools.combinations(range(length), 2):
            if heads[one] == heads[other]:
                score = score + siblings[one, other]
        scores.append(score.reshape(()))
    marginals = torch.full((size, size + 1), float("nan")).double()
    marginals[:length, : length + 1] = 0
    for heads, probability in zip(trees, torch.stack(scores).softmax(0)):
        for word, head in enumerate(heads):
            marginals[word, head] += probability
    return marginals


@pytest.mark.parametrize("seed", range(3))
def test_second_order_marginals_become_first_order_heads(seed):
    size = 5
    mask = torch.arange(size) < torch.tensor(LENGTHS).unsqueeze(1)
    expected = torch.stack([second_order_marginals(n, size, seed) for n in LENGTHS])
    found = of_arc_marginals(expected.log(), mask)
    heads = log_head_probabilities(found).exp()
    torch.testing.assert_close(heads[found.arc_mask], expected[found.arc_mask])
    labels = torch.randn(4, size, size + 1, 2).double()
    assert of_arc_marginals(expected.log(), mask, labels).num_labels == 2


def test_arcs_that_are_no_distribution():
    mask = torch.ones(1, 2).bool()
    arcs = torch.full((1, 2, 3), 0.25)
    with pytest.raises(ValueError, match="word 1 of sentence 0 .* sum to 0.5; the sum must be 1"):
        of_arc_marginals(arcs.log(), mask)
    with pytest.raises(ValueError, match="sum to nan"):
        of_arc_marginals(torch.full((1, 2, 3), float("nan")), mask)


def every_tag(longest, labels):
    """All offsets that a sentence of so many words can have, with all labels."""
    offsets = [each for each in range(-longest + 1, longest)]
    return map(torch.tensor, zip(*itertools.product(offsets, range(labels))))


@pytest.mark.parametrize("factored", [False, True])
@pytest.mark.parametrize("extra", [0, 2])
def test_tags_have_the_probabilities_of_their_labelled_arcs(factored, extra):
    trees = random_potentials(LENGTHS, labels=2, factored=factored, extra=extra)
    offsets, labels = every_tag(max(LENGTHS), 2)
    chain = relative_tags(trees, offsets, labels)
    assert not chain.transitions.any()
    found = log_node_marginals(chain).exp()
    scores = trees.label_scores()
    for row, length in enumerate(LENGTHS):
        for word in range(length):
            heads = [head for head in range(length + 1) if head != word + 1]
            arcs = trees.arcs[row, word, heads].softmax(0)
            seen = 0
            for head, arc in zip(heads, arcs):
                for label in range(2):
                    probability = arc * scores[row, word, head].softmax(0)[label]
                    offset = 0 if head == 0 else head - (word + 1)
                    (tag,) = ((offsets == offset) & (labels == label)).nonzero()[0]
                    torch.testing.assert_close(found[row, word, tag], probability)
                    seen += 1
            # No other tag is possible.
            assert int((found[row, word] > 0).sum()) == seen


def test_what_has_no_tag_is_left_out():
    trees = random_potentials([2, 3], labels=2)
    offsets, labels = torch.tensor([0, -1, 1]), torch.tensor([1, 0, 0])
    every, kinds = every_tag(3, 2)
    full = log_node_marginals(relative_tags(trees, every, kinds)).exp()
    places = [int(((every == o) & (kinds == k)).nonzero()) for o, k in zip(offsets, labels)]
    expected = full[..., places] / full[..., places].sum(2, keepdim=True)
    found = log_node_marginals(relative_tags(trees, offsets, labels)).exp()
    torch.testing.assert_close(found[trees.mask], expected[trees.mask])
    with pytest.raises(ValueError, match="no tag is possible for word 1 of sentence 0"):
        relative_tags(trees, torch.tensor([-1]), torch.tensor([0]))


def test_no_words():
    empty = TreePotentials(torch.zeros(2, 0, 1), torch.zeros(2, 0).bool(), torch.zeros(2, 0, 1, 3))
    chain = relative_tags(empty, torch.tensor([0, 1]), torch.tensor([2, 0]))
    assert chain.emissions.shape == (2, 0, 2)
