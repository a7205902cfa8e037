import pytest
import torch

from allennlp_kd.structs.chain import ChainPotentials, log_edge_marginals, log_node_marginals
from tests.structs.chain import enumeration
from tests.structs.chain.enumeration import INFINITY, gradients, random_potentials, rebuild


@pytest.mark.parametrize("num_tags", range(1, 5))
@pytest.mark.parametrize("with_ends", [False, True])
@pytest.mark.parametrize("scale", [1.0, 20.0, 300.0])
@pytest.mark.parametrize("forbidden", [0.0, 0.4])
def test_marginals_equal_the_enumerated_ones(num_tags, with_ends, scale, forbidden):
    potentials = random_potentials(
        num_tags, num_tags, (3, 0, 5, 1, 2), scale=scale, with_ends=with_ends, forbidden=forbidden
    )
    for found, expected in [
        (log_node_marginals(potentials), enumeration.log_node_marginals(potentials)),
        (log_edge_marginals(potentials), enumeration.log_edge_marginals(potentials)),
    ]:
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
        # Without gradients other bounds hold, so that the other space may be used.
        with torch.no_grad():
            again = log_node_marginals if found.dim() == 3 else log_edge_marginals
            torch.testing.assert_close(again(potentials), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 5.0, 40.0])
def test_improbable_tags_keep_their_logarithm_in_single_precision(scale):
    exact = random_potentials(3, 4, scale=scale)
    single = rebuild(exact, [s.detach().float() for s in enumeration.leaves(exact)])
    nodes, edges = log_node_marginals(single), log_edge_marginals(single)
    assert torch.isfinite(nodes[exact.mask]).all()
    assert torch.isfinite(edges[exact.mask[:, 1:]]).all()
    expected = enumeration.log_node_marginals(exact)
    torch.testing.assert_close(nodes.double(), expected, rtol=1e-5, atol=scale * 1e-4)
    expected = enumeration.log_edge_marginals(exact)
    torch.testing.assert_close(edges.double(), expected, rtol=1e-5, atol=scale * 1e-4)


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_gradients_against_finite_differences(scale):
    potentials = random_potentials(4, 3, (3, 1, 0, 2), scale=scale, padded_value=0.0)
    mask = potentials.mask

    def function(*scores):
        p = rebuild(potentials, scores)
        return log_node_marginals(p)[mask], log_edge_marginals(p)[mask[:, 1:]]

    assert torch.autograd.gradcheck(function, enumeration.leaves(potentials))


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_gradients_are_finite_where_cells_are_forbidden(scale):
    potentials = random_potentials(5, 4, scale=scale, forbidden=0.4, dtype=torch.float32)
    probabilities = log_node_marginals(potentials).exp()
    value = probabilities.square().sum(dim=(1, 2))
    for found, scores in zip(gradients(value, potentials), enumeration.leaves(potentials)):
        assert torch.isfinite(found).all()
        assert not found[scores == -INFINITY].any()


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_marginals_are_consistent(scale):
    potentials = random_potentials(6, 4, scale=scale)
    mask = potentials.mask
    nodes, edges = log_node_marginals(potentials).exp(), log_edge_marginals(potentials).exp()
    torch.testing.assert_close(nodes.sum(dim=2), mask.double())
    torch.testing.assert_close(edges.sum(dim=3), nodes[:, :-1] * mask[:, 1:].unsqueeze(2))
    torch.testing.assert_close(edges.sum(dim=2), nodes[:, 1:])


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_padding_is_never_read(scale):
    found = random_potentials(7, 3, scale=scale, padding=3, padded_value=float("nan"))
    plain = ChainPotentials(
        found.emissions.detach().nan_to_num()[:, :6],
        found.mask[:, :6],
        *(s.detach() for s in (found.transitions, found.start, found.end)),
    )
    nodes, edges = log_node_marginals(found.detach()), log_edge_marginals(found.detach())
    assert torch.equal(nodes[:, :6], log_node_marginals(plain))
    assert torch.equal(edges[:, :5], log_edge_marginals(plain))
    assert (nodes[:, 6:] == -INFINITY).all() and (edges[:, 5:] == -INFINITY).all()


def test_a_sentence_that_nothing_can_pass_has_no_probability():
    emissions = torch.zeros(2, 3, 2)
    emissions[0, 1] = -INFINITY
    potentials = ChainPotentials(emissions, torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, 2))
    for found in (log_node_marginals(potentials), log_edge_marginals(potentials)):
        assert (found[0] == -INFINITY).all() and torch.isfinite(found[1]).all()


@pytest.mark.parametrize("shape", [(2, 3), (0, 3), (2, 0), (2, 1)])
def test_batches_without_edges(shape):
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[:, :1] = shape[1] == 1
    potentials = ChainPotentials(torch.zeros(*shape, 3), mask, torch.zeros(3, 3))
    assert log_node_marginals(potentials).shape == (*shape, 3)
    edges = log_edge_marginals(potentials)
    assert edges.shape == (shape[0], max(shape[1] - 1, 0), 3, 3)
    assert (edges == -INFINITY).all()
