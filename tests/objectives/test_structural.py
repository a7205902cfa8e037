import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch.testing import assert_close

from allennlp_kd.objectives.structural import Structural
from allennlp_kd.structs import chain, tree
from tests.structs.chain import enumeration as chains
from tests.structs.tree import enumeration as trees


def tree_log_probabilities(potentials, row, temperature):
    """Of all labelled trees of a sentence with one word on ROOT."""
    length = int(potentials.lengths[row])
    heads = trees.all_trees(length, True, False)
    scores = trees.scores_of_all_trees(potentials.tempered(temperature), row, heads)
    found = []
    for log_tree, its_heads in zip(scores.log_softmax(0), heads):
        total = log_tree.reshape(1)
        for word, head in enumerate(its_heads):
            labels = (potentials.label_scores()[row, word, head] / temperature).log_softmax(0)
            total = (total.unsqueeze(1) + labels).flatten()
        found.append(total)
    return torch.cat(found)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_chains_against_enumeration(temperature):
    student, teacher = (chains.random_potentials(seed, 3, lengths=(3, 0, 1, 4)) for seed in (0, 1))
    expected = chains.cross_entropy(teacher.tempered(temperature), student.tempered(temperature))
    found = Structural(temperature=temperature)(student, teacher)
    assert_close(found, temperature**2 * expected)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_trees_against_enumeration(temperature):
    student, teacher = (trees.random_potentials([3, 0, 1], 2, seed=seed) for seed in (0, 1))
    found = Structural(temperature=temperature)(student, teacher)
    for row in range(3):
        log_p, log_q = (tree_log_probabilities(s, row, temperature) for s in (teacher, student))
        expected = -(log_p.exp() * log_q).sum() * temperature**2
        assert_close(found[row], expected)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=3),
    st.integers(1, 4),
    st.floats(0.3, 5.0),
    st.floats(0.1, 10.0),
    st.integers(0, 999),
)
def test_is_never_below_the_teachers_entropy(lengths, num_tags, temperature, scale, seed):
    """Gibbs' inequality, at any temperature, and equality where both are the same."""
    objective = Structural(temperature=temperature, scale_by_temperature_squared=False)
    pairs = [
        [
            chains.random_potentials(s, num_tags, lengths=lengths, scale=scale)
            for s in (seed, seed + 1000)
        ],
        [
            trees.random_potentials(lengths, num_tags, scale=scale, seed=s)
            for s in (seed, seed + 1000)
        ],
    ]
    for module, (student, teacher) in zip((chain, tree), pairs):
        entropy = module.entropy(teacher.tempered(temperature))
        assert (objective(student, teacher) >= entropy - 1e-7).all()
        assert_close(objective(teacher, teacher), entropy, rtol=1e-7, atol=1e-7)


def test_is_above_the_entropy_where_the_two_differ():
    sides = [chains.random_potentials(seed, 3, lengths=(3, 1)) for seed in (0, 1)]
    assert (Structural()(*sides) > chain.entropy(sides[1]) + 0.01).all()
    sides = [trees.random_potentials([3, 2], 2, seed=seed) for seed in (0, 1)]
    assert (Structural()(*sides) > tree.entropy(sides[1]) + 0.01).all()
