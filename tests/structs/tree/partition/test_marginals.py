"""The logarithms of marginals that float64 does not resolve."""

import pytest
import torch
from torch.testing import assert_close

from allennlp_kd.objectives.marginal import Marginal
from allennlp_kd.structs.tree import TreePotentials, log_arc_marginals
from allennlp_kd.structs.tree.partition import marginals
from tests.structs.tree.enumeration import all_trees, random_potentials, scores_of_all_trees

NOTHING = float("-inf")
KINDS = [(True, False), (False, False), (True, True), (False, True)]


def enumerated(potentials, row, single_root, projective):
    """Shape `(length, length + 1)`, differentiable."""
    length = int(potentials.lengths[row])
    trees = torch.tensor(all_trees(length, single_root, projective))
    logs = scores_of_all_trees(potentials, row, trees.tolist()).log_softmax(0)
    found = [[NOTHING] * (length + 1) for _ in range(length)]
    for word in range(length):
        for head in range(length + 1):
            chosen = logs[trees[:, word] == head]
            if len(chosen):
                found[word][head] = chosen.logsumexp(0)
    return found


@pytest.mark.parametrize("single_root,projective", KINDS)
@pytest.mark.parametrize("scale", [1.0, 15.0, 60.0, 300.0])
def test_are_exact_however_small(single_root, projective, scale):
    potentials = random_potentials([4, 1, 3], scale=scale, seed=int(scale))
    arcs = potentials.arcs.requires_grad_()
    found = log_arc_marginals(potentials, single_root, projective)
    smallest = 0.0
    for row, length in enumerate([4, 1, 3]):
        for word, cells in enumerate(enumerated(potentials, row, single_root, projective)):
            for head, cell in enumerate(cells):
                if cell == NOTHING:
                    assert found[row, word, head] == NOTHING
                    continue
                smallest = min(smallest, float(cell))
                assert_close(found[row, word, head], cell, rtol=1e-9, atol=1e-7)
                ours, theirs = (
                    torch.autograd.grad(value, arcs, retain_graph=True)[0]
                    for value in (found[row, word, head], cell)
                )
                inside = potentials.arc_mask
                assert_close(ours[inside], theirs[inside], rtol=1e-6, atol=1e-6)
        assert (found[row, length:] == NOTHING).all()
    if scale >= 60:
        assert smallest < -40  # 1e-15 is -34.5


@pytest.mark.parametrize("nats", [20.0, 40.0, 100.0, 800.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_student_that_is_sure_and_wrong_has_a_gradient(nats, dtype):
    """The teacher's tree is a chain, the student's the reverse one."""
    heads = {"teacher": [0, 1, 2], "student": [2, 3, 0]}
    sides = {}
    for name, of_words in heads.items():
        arcs = torch.zeros(1, 3, 4, dtype=dtype)
        arcs[0, torch.arange(3), of_words] = nats
        sides[name] = TreePotentials(arcs, torch.ones(1, 3, dtype=torch.bool))
    leaf = sides["student"].arcs.requires_grad_()
    loss = Marginal()(sides["student"], sides["teacher"])
    (gradient,) = torch.autograd.grad(loss.sum(), leaf)
    wanted = gradient[0, torch.arange(3), heads["teacher"]]
    given = gradient[0, torch.arange(3), heads["student"]]
    assert (wanted < -0.9).all() and (given > 0.9).all()
    assert loss > 1.9 * nats


def test_relevance_decides_what_is_exact(monkeypatch):
    potentials = random_potentials([4, 3], scale=15.0)
    exact = log_arc_marginals(potentials)
    calls = []
    sums = marginals._sums_with_arcs
    monkeypatch.setattr(
        marginals, "_sums_with_arcs", lambda *args: calls.append(len(args[2])) or sums(*args)
    )
    relevance = exact.exp()
    found = log_arc_marginals(potentials, relevance=relevance)
    assert not calls
    assert_close((relevance * found)[potentials.arc_mask], (relevance * exact)[potentials.arc_mask])
    one = torch.zeros_like(relevance)
    one.view(-1)[int(exact.masked_fill(exact == NOTHING, 0).argmin())] = 1.0
    found = log_arc_marginals(potentials, relevance=one)
    assert calls == [1]
    assert_close(found[one > 0], exact[one > 0])


def test_blocks_of_arcs_give_the_same(monkeypatch):
    def run():
        potentials = random_potentials([4, 3], scale=40.0)
        leaf = potentials.arcs.requires_grad_()
        found = log_arc_marginals(potentials)[potentials.arc_mask]
        return found.detach(), torch.autograd.grad(found.sum(), leaf)[0]

    whole = run()
    monkeypatch.setattr(marginals, "CELLS", 45)
    for found, expected in zip(run(), whole):
        assert_close(found, expected, equal_nan=True)


def test_arcs_that_are_in_no_tree():
    """One word on ROOT: the other one's arc from ROOT is allowed, but in no tree."""
    arcs = torch.zeros(1, 2, 3, dtype=torch.double)
    arcs[0, 0, 2] = NOTHING
    potentials = TreePotentials(arcs, torch.ones(1, 2, dtype=torch.bool))
    expected = torch.tensor([[[0.0, NOTHING, NOTHING], [NOTHING, 0.0, NOTHING]]]).double()
    assert_close(log_arc_marginals(potentials), expected)


def test_a_batch_without_words_has_no_history():
    for lengths, extra in (([0, 0], 0), ([0], 2)):
        potentials = random_potentials(lengths, extra=extra)
        assert not log_arc_marginals(potentials).requires_grad
