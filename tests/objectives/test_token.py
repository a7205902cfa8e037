import pytest
import torch
from torch.testing import assert_close

from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.token import Token
from tests.objectives.chains import random_chains
from tests.structs.tree.enumeration import random_potentials


@pytest.mark.parametrize("lengths,tags", [([4, 1, 0, 3], 3), ([2, 1], 1), ([0], 2)])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_is_the_divergence_of_each_word(lengths, tags, temperature):
    student, teacher = random_chains(lengths, tags, 0), random_chains(lengths, tags, 1)
    expected = torch.zeros(len(lengths), dtype=torch.float64)
    for row, words in enumerate(lengths):
        for word in range(words):
            p = (teacher.emissions[row, word] / temperature).softmax(0)
            q = (student.emissions[row, word] / temperature).softmax(0)
            for tag in range(tags):
                expected[row] += p[tag] * (p[tag] / q[tag]).log() * temperature**2
    assert_close(Token(temperature=temperature)(student, teacher), expected)


def test_the_transitions_of_a_chain_are_not_looked_at():
    student, teacher = random_chains([3], 3, 0), random_chains([3], 3, 1)
    for side in (student, teacher):
        for scores in (side.transitions, side.start, side.end):
            scores.fill_(float("nan"))
    assert torch.isfinite(Token()(student, teacher)).all()


@pytest.mark.parametrize("labels", [0, 2])
def test_of_trees_it_is_the_divergence_over_heads_and_labels(labels):
    student, teacher = (random_potentials([3, 1, 0], labels, seed=seed) for seed in (0, 1))
    loss = Token(temperature=2.0)(student, teacher)
    # Which `test_tree_objectives` enumerates.
    assert_close(loss, Substructured(temperature=2.0)(student, teacher))
    assert float(loss[0]) > 0
