"""Every objective at its edges: what is forbidden, empty, narrow or does not fit."""

import pytest
import torch
from allennlp.common import Params
from torch.testing import assert_close

import allennlp_kd.plugin  # noqa: F401 - registers what `build` names
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs import chain, tree
from allennlp_kd.structs.chain import ChainPotentials, with_marginals
from allennlp_kd.structs.tree import TreePotentials
from tests.structs.chain import enumeration as chains
from tests.structs.tree import enumeration as trees

NOTHING, INFINITY = float("-inf"), float("inf")
SCORES = [{"type": "substructured", "match": "scores", "form": form} for form in ("raw", "centred")]
SCORES.append({"type": "substructured", "match": "scores", "form": "weighted", "mix": 0.5})
EMISSIONS = {"type": "substructured", "match": "scores", "form": "emissions"}
BOTH = {"type": "substructured", "match": "both", "scale": 0.1}
DIVERGENCES = [{"type": "token"}, {"type": "marginal"}, {"type": "structural"}]
DIVERGENCES.append({"type": "substructured"})
WINDOWS = [{"type": "substructured", "window": width} for width in (1, 3)]
EDGES = {"type": "marginal", "parts": "edges"}
TOP = {"type": "top_k", "k": 2}
OF_CHAINS = [*DIVERGENCES, *WINDOWS, EDGES, TOP, *SCORES, EMISSIONS, BOTH]
OF_TREES = [*DIVERGENCES, TOP, *SCORES, BOTH]
KINDS = [(options, "chain") for options in OF_CHAINS] + [(options, "tree") for options in OF_TREES]


def build(options):
    return Objective.from_params(Params(dict(options)))


def name_of(value):
    return value if isinstance(value, str) else "-".join(str(part) for part in value.values())


def pair(structure, lengths=(3, 1), labels=3, **options):
    if structure == "chain":
        found = [
            chains.random_potentials(seed, labels, lengths, requires_grad=seed == 0, **options)
            for seed in (0, 1)
        ]
        return found[0], with_marginals(found[1])
    found = [
        trees.random_potentials(list(lengths), labels, seed=seed, **options) for seed in (0, 1)
    ]
    for tensor in found[0].tensors():
        tensor.requires_grad_()
    return found


def leaves(student):
    if isinstance(student, TreePotentials):
        return list(student.tensors())
    return chains.leaves(student)


every_objective = pytest.mark.parametrize("options,structure", KINDS, ids=name_of)


@every_objective
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision(options, structure, dtype, autocast):
    """Both sides narrow, at scores whose squares float16 cannot hold."""
    student, teacher = pair(structure, dtype=dtype, scale=30.0)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        losses = build(options)(student, teacher)
    assert losses.dtype == torch.float32 and torch.isfinite(losses).all()
    wide = []
    for side in (student, teacher):
        scores = [score.detach().double() for score in leaves_of(side)]
        wide.append(type(side)(scores[0], side.mask, *scores[1:]))
    if structure == "chain":
        wide[1] = with_marginals(wide[1])
    assert_close(losses.double(), build(options)(*wide), rtol=2e-4, atol=1e-2)
    found = torch.autograd.grad(losses.sum(), leaves(student), allow_unused=True)
    for gradient, leaf in zip(found, leaves(student)):
        assert gradient is None or gradient.dtype == leaf.dtype == dtype


def leaves_of(side):
    if isinstance(side, TreePotentials):
        return list(side.tensors())
    return [side.emissions, side.transitions, side.start, side.end]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("options", [*SCORES, *DIVERGENCES], ids=name_of)
def test_factored_labels_in_half_precision_under_autocast(options, dtype):
    student, teacher = pair("tree", factored=True, dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = build(options)(student, teacher)
    assert losses.dtype == torch.float32
    wide = []
    for side in (student, teacher):
        arcs, *factors = (score.detach().double() for score in side.tensors())
        wide.append(TreePotentials(arcs, side.mask, tree.FactoredLabels(*factors)))
    assert_close(losses.double(), build(options)(*wide), rtol=1e-4, atol=1e-4)


@every_objective
def test_other_tags_are_no_broadcast(options, structure):
    student, _ = pair(structure, labels=4)
    for labels in (1, 3):
        _, teacher = pair(structure, labels=labels)
        kind = "tags" if structure == "chain" else "labels"
        with pytest.raises(ValueError, match=f"the same {kind}, found 4 and {labels} of them"):
            build(options)(student, teacher)


@every_objective
def test_other_sentences_are_no_broadcast(options, structure):
    student, _ = pair(structure, (3, 1))
    for lengths in ((3,), (3, 2)):
        _, teacher = pair(structure, lengths)
        with pytest.raises(ValueError, match="the same mask, found sentences of"):
            build(options)(student, teacher)


def test_chains_and_trees_are_not_compared():
    for options in DIVERGENCES + SCORES:
        with pytest.raises(ValueError, match="both be chains or both be trees, found ChainPot"):
            build(options)(pair("chain")[0], pair("tree")[1])


@pytest.mark.parametrize("function", [tree.cross_entropy, tree.kl_divergence])
def test_functions_of_two_trees_do_not_broadcast(function):
    student, teacher = pair("tree")
    with pytest.raises(ValueError, match="the same labels, found 3 and 2"):
        function(student, teacher.select_labels([0, 1]))
    with pytest.raises(ValueError, match="the same mask"):
        function(student, teacher.select_rows(torch.tensor([0])))


@every_objective
@pytest.mark.parametrize("padding", [0, 2])
def test_a_batch_without_words(options, structure, padding):
    lengths = {"padding": padding} if structure == "chain" else {"extra": padding}
    student, teacher = pair(structure, (0, 0), **lengths)
    losses = build(options)(student, teacher)
    assert losses.tolist() == [0.0, 0.0]
    (losses.sum() + sum(leaf.sum() for leaf in leaves(student))).backward()
    for leaf in leaves(student):
        assert torch.equal(leaf.grad, torch.ones_like(leaf))  # what the losses add is 0
    assert not build(options)(student.detach(), teacher).requires_grad


@pytest.mark.parametrize("function", [tree.entropy, tree.log_partition, tree.log_arc_marginals])
@pytest.mark.parametrize("projective", [False, True])
def test_sums_over_trees_without_words_have_no_history(function, projective):
    for lengths, extra in (([0, 0], 0), ([0], 2), ([], 0)):
        potentials = trees.random_potentials(lengths, extra=extra)
        assert not function(potentials, projective=projective).requires_grad


@every_objective
def test_a_teacher_without_a_structure_is_named(options, structure):
    student, teacher = pair(structure, (3, 1, 2))
    if structure == "chain":
        teacher.emissions[2, 1] = NOTHING
    else:
        teacher.arcs[2, 1] = NOTHING
    with pytest.raises(ValueError, match=r"(row|sentence) 2|row 0"):
        build(options)(student, with_marginals(teacher) if structure == "chain" else teacher)


@pytest.mark.parametrize(
    "options", [{"type": "marginal"}, {"type": "structural"}, TOP], ids=name_of
)
def test_a_teacher_without_a_tree_is_named(options):
    """Each word has a head, and all heads together are a cycle."""
    student, teacher = pair("tree", (1, 2))
    teacher.arcs[1, :, 0] = NOTHING
    with pytest.raises(ValueError, match="(row|sentence) 1|heads of word 1 of sentence 1"):
        build(options)(student, teacher)


@pytest.mark.parametrize("options", [EDGES, {"type": "structural"}, {"type": "substructured"}])
def test_a_teacher_whose_transitions_leave_no_sequence_is_named(options):
    student, teacher = pair("chain", (1, 3))
    teacher.transitions[:] = NOTHING
    with pytest.raises(ValueError, match="(row|sentence) 1"):
        build(options)(student, teacher)


def test_entropies_without_a_structure_are_refused():
    potentials = chains.random_potentials(0, 2, (1, 2), requires_grad=False)
    potentials.emissions[1, 0] = NOTHING
    with pytest.raises(ValueError, match="row 1 forbids every sequence"):
        chain.entropy(potentials)
    trees_ = trees.random_potentials([1, 2])
    trees_.arcs[1, :, 0] = NOTHING
    for projective in (False, True):
        with pytest.raises(ValueError, match="row 1 forbids every tree"):
            tree.entropy(trees_, projective=projective)
        found = tree.nll(trees_, torch.tensor([[0, 0], [0, 1]]), projective=projective)
        assert found[1] == INFINITY and torch.isfinite(found[0])


@pytest.mark.parametrize("options", [*DIVERGENCES, *SCORES, BOTH], ids=name_of)
def test_an_arc_all_of_whose_labels_are_forbidden(options):
    student, teacher = pair("tree", (3, 1))
    teacher.labels[0, 1, 3] = NOTHING
    with pytest.raises(
        ValueError, match="row 0 forbids all labels of the arc from head 3 to word 2"
    ):
        build(options)(student, teacher)
    # An arc that is forbidden needs no labels.
    teacher.arcs[0, 1, 3] = NOTHING
    assert torch.isfinite(build(options)(student, tree_again(teacher))).all()


def tree_again(potentials):
    return TreePotentials(potentials.arcs, potentials.mask, potentials.labels)


def test_decoding_avoids_an_arc_without_labels():
    potentials = trees.random_potentials([2], labels=2)
    potentials.arcs[0, 0, 2] = 50.0
    potentials.labels[0, 0, 2] = NOTHING
    heads, _, scores = tree.maximum_spanning_tree(potentials)
    assert heads.tolist() == [[0, 1]] and torch.isfinite(scores).all()
    heads, _, scores = tree.k_best_trees(potentials, 5)
    assert heads[0, 0].tolist() == [0, 1]
    assert int(torch.isfinite(scores).sum()) == 4  # the labellings of the one tree


class TestNothingTimesInfinity:
    """Where the student forbids: inf if the teacher has a probability there, otherwise nothing."""

    OF_CHAINS = [*DIVERGENCES, *WINDOWS, EDGES]

    @pytest.mark.parametrize("options", OF_CHAINS, ids=name_of)
    @pytest.mark.parametrize("where", ["emissions", "transitions"])
    @pytest.mark.parametrize("score", [-5.0, -200.0])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_chains(self, options, where, score, dtype):
        if where == "transitions" and (options["type"] == "token" or options.get("window") == 1):
            pytest.skip("has no transitions")
        if where == "transitions" and options == {"type": "marginal"}:
            pytest.skip("is of nodes, which the student allows")
        options_ = {"dtype": dtype, "scale": 0.5}
        student, teacher = pair("chain", (3, 2), labels=2, **options_)
        for side, value in ((student, NOTHING), (teacher, score)):
            scores = getattr(side, where)
            scores.data[(0, 1, 1) if where == "emissions" else (0, 1)] = value
        loss = build(options)(student, with_marginals(teacher))
        # float32 has no number as small as exp(-200).
        expected = score == -5.0 or dtype == torch.float64
        assert (loss[0] == INFINITY) == expected and not loss.isnan().any()
        if not expected:
            assert torch.isfinite(loss).all()
            found = torch.autograd.grad(loss.sum(), leaves(student), allow_unused=True)
            assert all(g is None or torch.isfinite(g).all() for g in found)

    @pytest.mark.parametrize("options", DIVERGENCES, ids=name_of)
    @pytest.mark.parametrize("where", ["arcs", "labels"])
    @pytest.mark.parametrize("score", [-5.0, -60.0, -900.0])
    def test_trees(self, options, where, score):
        student, teacher = pair("tree", (3, 2), labels=2)
        place = (0, 0, 2) if where == "arcs" else (0, 0, 2, 1)
        for side, value in ((student, NOTHING), (teacher, score)):
            getattr(side, where).data[place] = value
        loss = build(options)(student, teacher)
        assert (loss[0] == INFINITY) == (score > -700) and not loss.isnan().any()
        assert torch.isfinite(loss[1])

    def test_an_arc_that_is_in_no_tree_has_no_probability(self):
        """Rounding leaves some 1e-17 of either sign."""
        generator = torch.Generator().manual_seed(0)
        for _ in range(20):
            arcs = torch.randn(1, 3, 4, generator=generator).double()
            arcs[0, 0, 2] = arcs[0, 0, 3] = NOTHING  # word 1 hangs on ROOT, so no other word does
            mask = torch.ones(1, 3, dtype=torch.bool)
            others = torch.randn(1, 3, 4, generator=generator).double()
            others[0, 1, 0] = others[0, 2, 0] = NOTHING
            p, q = TreePotentials(arcs, mask), TreePotentials(others, mask)
            for found in (tree.cross_entropy(p, q), tree.kl_divergence(p, q)):
                assert torch.isfinite(found).all()
            for options in ({"type": "marginal"}, {"type": "structural"}):
                assert torch.isfinite(build(options)(q, p)).all()
            assert tree.kl_divergence(p, p) == 0


@pytest.mark.parametrize(
    "name,value,message",
    [
        ("transitions", None, "transitions must be a tensor, found NoneType"),
        (
            "transitions",
            torch.zeros(2, 2).long(),
            "transitions must be floating point, found torch",
        ),
        ("emissions", None, "emissions must be a tensor, found NoneType"),
        ("mask", [[True]], "mask must be a tensor, found list"),
        ("start", torch.zeros(2).long(), "start must be floating point, found torch.int64"),
    ],
)
def test_chain_potentials_of_other_types(name, value, message):
    good = {
        "emissions": torch.zeros(1, 1, 2),
        "mask": torch.ones(1, 1, dtype=torch.bool),
        "transitions": torch.zeros(2, 2),
    }
    with pytest.raises(ValueError, match=message):
        ChainPotentials(**{**good, name: value})
