"""Full precision whatever the scores' type and autocast say, and what is compiled."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from allennlp_kd.structs import chain, tree
from allennlp_kd.structs.numerics.execution import at_least_single, exact, raised
from tests.structs.chain import enumeration as chains
from tests.structs.tree import enumeration as trees

HALVES = (torch.float16, torch.bfloat16)
LENGTHS = (3, 0, 2)

OF_CHAINS = {
    "log_partition": lambda p, q: chain.log_partition(p),
    "nll": lambda p, q: chain.nll(p, p.mask.long()),
    "score": lambda p, q: chain.score(p, p.mask.long()),
    "entropy": lambda p, q: chain.entropy(p),
    "cross_entropy": chain.cross_entropy,
    "kl_divergence": chain.kl_divergence,
    "log_node_marginals": lambda p, q: chain.log_node_marginals(p)[p.mask],
    "log_edge_marginals": lambda p, q: chain.log_edge_marginals(p)[p.mask[:, 1:]],
    "viterbi": lambda p, q: chain.viterbi(p)[1],
    "k_best": lambda p, q: chain.k_best(p, 1)[1],
    "canonical": lambda p, q: chain.canonical(p).emissions,
}
CHAIN_OF = torch.arange(4).expand(3, 4)
OF_TREES = {
    "log_partition": lambda p, q: tree.log_partition(p),
    "nll": lambda p, q: tree.nll(p, CHAIN_OF, CHAIN_OF * 0),
    "score": lambda p, q: tree.score(p, CHAIN_OF, CHAIN_OF * 0),
    "entropy": lambda p, q: tree.entropy(p),
    "cross_entropy": tree.cross_entropy,
    "kl_divergence": tree.kl_divergence,
    "projective": lambda p, q: tree.kl_divergence(p, q, projective=True),
    "projective entropy": lambda p, q: tree.entropy(p, projective=True),
    "log_arc_marginals": lambda p, q: tree.log_arc_marginals(p)[p.arc_mask],
    "log_head_probabilities": lambda p, q: tree.log_head_probabilities(p)[p.arc_mask],
    "log_label_probabilities": lambda p, q: tree.log_label_probabilities(p, CHAIN_OF)[p.mask],
    "label_scores": lambda p, q: p.label_scores()[p.arc_mask],
    "maximum_spanning_tree": lambda p, q: tree.maximum_spanning_tree(p)[2],
    "k_best_trees": lambda p, q: tree.k_best_trees(p, 1)[2],
}


def chain_pair(dtype=torch.float64):
    options = {"lengths": LENGTHS, "dtype": dtype, "scale": 3.0}
    return [chains.random_potentials(seed, 3, **options) for seed in (0, 1)]


def tree_pair(dtype=torch.float64, factored=False, padding=float("nan")):
    options = {"labels": 2, "extra": 1, "scale": 3.0, "dtype": dtype, "factored": factored}
    found = [
        trees.random_potentials(list(LENGTHS), seed=seed, padding=padding, **options)
        for seed in (0, 1)
    ]
    for tensor in found[0].tensors():
        tensor.requires_grad_()
    return found


def widened(potentials):
    """The same numbers in float64."""
    if isinstance(potentials, chain.ChainPotentials):
        names = ("emissions", "transitions", "start", "end")
        return replace(potentials, **{n: getattr(potentials, n).detach().double() for n in names})
    labels = potentials.labels
    if isinstance(labels, tree.FactoredLabels):
        names = ("head", "dependent", "weight", "bias")
        labels = replace(labels, **{n: getattr(labels, n).detach().double() for n in names})
    else:
        labels = labels.detach().double()
    return replace(potentials, arcs=potentials.arcs.detach().double(), labels=labels)


def check_half(function, pair):
    expected = function(*map(widened, pair))
    found = function(*pair)
    assert found.dtype == torch.float32
    assert_close(found.detach().double(), expected, rtol=1e-5, atol=1e-4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = function(*pair)
    assert again.dtype == torch.float32
    assert_close(again.detach().double(), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", OF_CHAINS)
@pytest.mark.parametrize("dtype", HALVES)
def test_chains_in_half_precision(name, dtype):
    check_half(OF_CHAINS[name], chain_pair(dtype))


@pytest.mark.parametrize("name", OF_TREES)
@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("factored", [False, True])
def test_trees_in_half_precision(name, dtype, factored):
    check_half(OF_TREES[name], tree_pair(dtype, factored))


@pytest.mark.parametrize("dtype", HALVES)
def test_temperatures_divide_in_single_precision(dtype):
    """In float16 a score of 10 over a temperature of 1e-4 would be infinite."""
    for pair in (chain_pair(dtype), tree_pair(dtype), tree_pair(dtype, factored=True)):
        found, expected = (side.tempered(1e-4) for side in (pair[0], widened(pair[0])))
        if isinstance(found, chain.ChainPotentials):
            assert_close(
                found.emissions[found.mask].double(),
                expected.emissions[found.mask],
                rtol=1e-6,
                atol=0,
            )
        else:
            for name in ("arc_scores", "label_scores"):
                sides = [getattr(side, name) for side in (found, expected)]
                sides = [side() if callable(side) else side for side in sides]
                cells = [side[found.arc_mask].double() for side in sides]
                assert_close(*cells, rtol=1e-4, atol=1e-2)


def test_types():
    assert at_least_single(torch.float16) == at_least_single() == torch.float32
    assert at_least_single(torch.float16, torch.float64) == torch.float64
    wide = torch.zeros(2, dtype=torch.float64)
    assert raised(wide) is wide and raised(wide.half()).dtype == torch.float32


def test_a_function_runs_as_it_is_called():
    @exact
    def product(one, other, *, scale=1.0):
        """What it does."""
        return scale * one @ other

    table = torch.full((2, 2), 1 + 2**-12)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (table @ table).dtype == torch.bfloat16
        assert torch.equal(
            product(table, table, scale=2.0), 2 * (table.double() @ table.double()).float()
        )
    assert product.__name__ == "product" and product.__doc__ == "What it does."


needs_compile = pytest.mark.skipif(
    not hasattr(torch, "compiler"), reason="torch.compile came with torch 2"
)


def _compiled_and_not(functions, pair, leaves, backend):
    """Values and gradients of a sum of functions between operations that are compiled."""

    def whole(*scores):
        student, teacher = pair(*(score * 2 for score in scores))
        return torch.stack([3 * function(student, teacher).sum() for function in functions])

    torch._dynamo.reset()
    results = []
    for function in (whole, torch.compile(whole, backend=backend)):
        found = function(*leaves)
        weights = torch.linspace(1, 2, len(found), dtype=found.dtype)
        results.append([found, *torch.autograd.grad((found * weights).sum(), leaves)])
    for found, expected in zip(*results[::-1]):
        assert_close(found, expected)


DIFFERENTIABLE_TREES = [
    f for name, f in OF_TREES.items() if name not in ("maximum_spanning_tree", "k_best_trees")
]
DIFFERENTIABLE_CHAINS = [f for name, f in OF_CHAINS.items() if name not in ("viterbi", "k_best")]


@needs_compile
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
@pytest.mark.parametrize("structure", ["chain", "tree"])
def test_compiled_values_and_gradients(backend, structure):
    if structure == "tree":
        student, teacher = tree_pair(padding=0.0)
        leaves = list(student.tensors())

        def pair(arcs, labels):
            return tree.TreePotentials(arcs, student.mask, labels), teacher

        _compiled_and_not(DIFFERENTIABLE_TREES, pair, leaves, backend)
        return
    student, teacher = chain_pair()
    student.emissions.data.masked_fill_(~student.mask.unsqueeze(2), 0.0)
    leaves = chains.leaves(student)

    def pair(*scores):
        return chain.ChainPotentials(scores[0], student.mask, *scores[1:]), teacher

    _compiled_and_not(DIFFERENTIABLE_CHAINS, pair, leaves, backend)
