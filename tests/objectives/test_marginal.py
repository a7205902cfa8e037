import math

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from torch.testing import assert_close

from allennlp_kd.objectives.marginal import Marginal
from allennlp_kd.structs.chain import ChainPotentials
from tests.structs.chain import enumeration as chains
from tests.structs.tree import enumeration as trees

TWINS = {"nodes": chains.log_node_marginals, "edges": chains.log_edge_marginals}


def divergence(log_p, log_q):
    """Cell by cell."""
    pairs = zip(log_p.flatten().tolist(), log_q.flatten().tolist())
    return sum(math.exp(p) * (p - q) for p, q in pairs if p > -math.inf)


@pytest.mark.parametrize("parts", [None, "nodes", "edges"])
@pytest.mark.parametrize("num_tags", [1, 3])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_chains_against_enumeration(parts, num_tags, temperature):
    lengths = (3, 0, 1, 4)
    student, teacher = (chains.random_potentials(s, num_tags, lengths=lengths) for s in (0, 1))
    found = Marginal(parts=parts, temperature=temperature)(student, teacher)
    twin = TWINS[parts or "nodes"]
    log_p, log_q = (twin(side.tempered(temperature)) for side in (teacher, student))
    if parts == "edges":  # one word has its node
        node_p, node_q = (TWINS["nodes"](side.tempered(temperature)) for side in (teacher, student))
    for row, length in enumerate(lengths):
        expected = divergence(log_p[row], log_q[row])
        if parts == "edges" and length == 1:
            expected = divergence(node_p[row], node_q[row])
        assert_close(found[row].item(), temperature**2 * expected)


def labelled_marginals(potentials, row, temperature):
    """By arc and label, from all trees with one word on ROOT."""
    length = int(potentials.lengths[row])
    heads = trees.all_trees(length, True, False)
    weights = trees.scores_of_all_trees(potentials.tempered(temperature), row, heads).softmax(0)
    found = {}
    for weight, its_heads in zip(weights, heads):
        for word, head in enumerate(its_heads):
            labels = (potentials.label_scores()[row, word, head] / temperature).softmax(0)
            for label, probability in enumerate(labels):
                key = (word, head, label)
                found[key] = found.get(key, 0.0) + float(weight * probability)
    return found


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("parts", [None, "arcs"])
def test_trees_against_enumeration(parts, temperature):
    student, teacher = (trees.random_potentials([3, 0, 1, 4], 2, seed=s) for s in (0, 1))
    found = Marginal(parts=parts, temperature=temperature)(student, teacher)
    for row in range(4):
        p, q = (labelled_marginals(side, row, temperature) for side in (teacher, student))
        expected = sum(p[key] * math.log(p[key] / q[key]) for key in p)
        assert_close(found[row].item(), temperature**2 * expected)


@pytest.mark.parametrize("parts", ["nodes", "edges"])
def test_marginals_that_float32_cannot_hold_have_gradients(parts):
    """A student that is sure of the opposite: its marginals of what the teacher says underflow."""
    scores = torch.tensor([[200.0, -200.0], [-200.0, 200.0]])
    mask = torch.ones(1, 2, dtype=torch.bool)
    emissions = (-scores).unsqueeze(0).requires_grad_()
    student = ChainPotentials(emissions, mask, torch.zeros(2, 2))
    loss = Marginal(parts=parts)(student, ChainPotentials(scores[None], mask, torch.zeros(2, 2)))
    assert_close(loss, torch.tensor([800.0]))
    loss.sum().backward()
    assert_close(emissions.grad.abs(), torch.ones(1, 2, 2))


def test_errors():
    with pytest.raises(ConfigurationError, match="one of nodes, edges, arcs, found 'labels'"):
        Marginal(parts="labels")


def test_parts_tell_the_structure():
    found = {parts: Marginal(parts=parts).structures for parts in (None, "nodes", "edges", "arcs")}
    assert found == {
        None: {"chain", "tree"},
        "nodes": {"chain"},
        "edges": {"chain"},
        "arcs": {"tree"},
    }
