"""What holds for every objective, over chains and over trees."""

from dataclasses import replace

import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from torch.testing import assert_close

import allennlp_kd.plugin  # noqa: F401 - registers what `build` names
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.chain import ChainPotentials
from tests.structs.chain import enumeration as chains
from tests.structs.tree import enumeration as trees

CHAIN_OBJECTIVES = [
    {"type": "token", "temperature": 2.0},
    {"type": "marginal", "temperature": 2.0},
    {"type": "marginal", "parts": "edges"},
    {"type": "top_k", "k": 2},
    {"type": "top_k", "weights": [1.0, 0.1, 0.1]},
    {"type": "structural", "temperature": 2.0},
    {"type": "substructured", "temperature": 2.0},
]
TREE_OBJECTIVES = [
    {"type": "token", "temperature": 2.0},
    {"type": "marginal", "temperature": 2.0},
    {"type": "top_k", "k": 1},
    {"type": "top_k", "k": 3},
    {"type": "top_k", "weights": [1.0, 0.1, 0.1]},
    {"type": "structural", "temperature": 2.0},
]
IS_A_DIVERGENCE = {"token", "marginal", "substructured"}
LENGTHS = (3, 0, 1, 2)


def name_of(options):
    return "-".join(str(value) for value in options.values())


def build(options) -> Objective:
    return Objective.from_params(Params(dict(options)))


def chain_pair(num_tags=3, **options):
    options = {"lengths": LENGTHS, **options}
    return [
        chains.random_potentials(seed, num_tags, requires_grad=seed == 0, **options)
        for seed in (0, 1)
    ]


def tree_pair(labels=2, **options):
    options = {"lengths": list(LENGTHS), "labels": labels, "padding": float("nan"), **options}
    return [trees.random_potentials(seed=seed, **options) for seed in (0, 1)]


@pytest.mark.parametrize("options", CHAIN_OBJECTIVES, ids=name_of)
class TestChains:
    def test_gradients_against_finite_differences(self, options):
        student, teacher = chain_pair()
        objective = build(options)
        padding = ~student.mask.unsqueeze(-1)

        def loss(emissions, *shared):
            emissions = emissions.masked_fill(padding, float("nan"))
            return objective(ChainPotentials(emissions, student.mask, *shared), teacher)

        emissions = student.emissions.detach().masked_fill(padding, 0.0).requires_grad_()
        shared = (student.transitions, student.start, student.end)
        assert torch.autograd.gradcheck(loss, (emissions, *shared))

    def test_padding_changes_nothing(self, options):
        objective, (student, teacher) = build(options), chain_pair()
        loss = objective(student, teacher)
        loss.sum().backward()
        assert (student.emissions.grad[~student.mask] == 0).all()
        width = max(LENGTHS)
        narrow = [
            ChainPotentials(each.emissions[:, :width], each.mask[:, :width], *each_shared)
            for each, each_shared in (
                (side, (side.transitions, side.start, side.end)) for side in (student, teacher)
            )
        ]
        assert_close(objective(*narrow), loss)
        rows = torch.tensor([2])
        alone = objective(*(side.select_rows(rows) for side in (student, teacher)))
        assert_close(alone, loss[rows])

    def test_a_sentence_without_words_loses_nothing(self, options):
        objective, (student, teacher) = build(options), chain_pair(lengths=(0, 0), padding=2)
        assert (objective(student, teacher) == 0).all()
        nothing = [
            ChainPotentials(side.emissions[:, :0], side.mask[:, :0], side.transitions)
            for side in (student, teacher)
        ]
        assert (objective(*nothing) == 0).all()

    def test_one_tag(self, options):
        student, teacher = chain_pair(num_tags=1)
        loss = build(options)(student, teacher)
        assert_close(loss, torch.zeros_like(loss))

    def test_what_both_forbid_leaves_numbers(self, options):
        _, teacher = chain_pair(forbidden=0.4)
        scores = [
            (score + torch.randn_like(score)).detach().requires_grad_()
            for score in (teacher.emissions, teacher.transitions, teacher.start, teacher.end)
        ]
        assert any(torch.isneginf(score).any() for score in scores[1:])
        student = ChainPotentials(scores[0], teacher.mask, *scores[1:])
        loss = build(options)(student, teacher)
        assert torch.isfinite(loss).all()
        loss.sum().backward()
        for score in scores:
            if score.grad is not None:
                assert torch.isfinite(score.grad).all()

    def test_what_only_the_teacher_forbids_leaves_numbers(self, options):
        student, _ = chain_pair()
        _, teacher = chain_pair(forbidden=0.4)
        loss = build(options)(student, teacher)
        assert torch.isfinite(loss).all()
        found = torch.autograd.grad(loss.sum(), chains.leaves(student), allow_unused=True)
        for gradient in found:
            assert gradient is None or torch.isfinite(gradient).all()

    def test_is_no_less_than_for_the_teacher_itself(self, options):
        objective, (student, teacher) = build(options), chain_pair()
        if options["type"] in IS_A_DIVERGENCE:
            same = objective(teacher, teacher)
            assert_close(same, torch.zeros_like(same))
            assert (objective(student, teacher)[torch.tensor([0, 2, 3])] > 1e-4).all()

    def test_no_gradient_reaches_the_teacher(self, options):
        student, _ = chain_pair()
        loss = build(options)(student.detach(), chain_pair()[1])
        assert not loss.requires_grad


@pytest.mark.parametrize("options", TREE_OBJECTIVES, ids=name_of)
class TestTrees:
    @pytest.mark.parametrize("factored", [False, True])
    def test_gradients_against_finite_differences(self, options, factored):
        # Padding of zeros, as finite differences are taken there too.
        student, teacher = tree_pair(factored=factored, padding=0.0)
        objective = build(options)
        tensors = [part.requires_grad_() for part in student.tensors()]

        def loss(arcs, *labels):
            scores = replace(student.labels, **_named(labels)) if factored else labels[0]
            return objective(replace(student, arcs=arcs, labels=scores), teacher)

        assert torch.autograd.gradcheck(loss, tensors, atol=1e-5)

    def test_padding_changes_nothing(self, options):
        objective = build(options)
        loss = objective(*tree_pair())
        student, teacher = tree_pair(extra=2)
        for part in student.tensors():
            part.requires_grad_()
        assert_close(objective(student, teacher), loss)
        objective(student, teacher).sum().backward()
        assert (student.arcs.grad[~student.arc_mask] == 0).all()
        assert torch.isfinite(student.labels.grad).all()
        rows = torch.tensor([3])
        alone = objective(*(side.select_rows(rows) for side in (student, teacher)))
        assert_close(alone, loss[rows])

    def test_a_sentence_without_words_loses_nothing(self, options):
        for lengths, extra in (([0, 0], 0), ([0], 2)):
            student, teacher = tree_pair(lengths=lengths, extra=extra)
            assert (build(options)(student, teacher) == 0).all()

    def test_one_word_and_one_label_leave_no_choice(self, options):
        student, teacher = tree_pair(labels=1, lengths=[1])
        loss = build(options)(student, teacher)
        assert_close(loss, torch.zeros_like(loss))

    def test_what_both_forbid_leaves_numbers(self, options):
        student, teacher = tree_pair()
        student = replace(student, arcs=student.arcs.clone(), labels=student.labels.clone())
        for side in (student, teacher):
            side.arcs[0, 0, 2] = float("-inf")
            side.labels[0, 1, :, 1] = float("-inf")
        tensors = [part.requires_grad_() for part in student.tensors()]
        loss = build(options)(student, teacher)
        assert torch.isfinite(loss).all()
        for gradient in torch.autograd.grad(loss.sum(), tensors):
            assert torch.isfinite(gradient).all()

    def test_without_labels_on_one_side_it_is_over_the_arcs(self, options):
        objective, (student, teacher) = build(options), tree_pair()
        if options["type"] == "top_k":
            # With labels the best labelled tree is another one.
            teacher = replace(teacher, labels=torch.zeros_like(teacher.labels))
        expected = objective(student.without_labels(), teacher.without_labels())
        assert_close(objective(student.without_labels(), teacher), expected)
        assert_close(objective(student, teacher.without_labels()), expected)
        assert (objective(student, teacher)[0] - expected[0]).abs() > 1e-4


def _named(labels):
    return dict(zip(("head", "dependent", "weight", "bias"), labels))


@pytest.mark.parametrize("name", ["token", "marginal", "structural", "top_k", "substructured"])
@pytest.mark.parametrize("temperature", [0.0, -1.5, float("nan")])
def test_a_temperature_that_is_none_is_refused(name, temperature):
    with pytest.raises(ConfigurationError, match=f"greater than 0, found {temperature}"):
        build({"type": name, "temperature": temperature})


@pytest.mark.parametrize("options", CHAIN_OBJECTIVES, ids=name_of)
def test_the_square_of_the_temperature_can_be_left_out(options):
    if options["type"] == "top_k":
        pytest.skip("has no such factor")
    student, teacher = chain_pair()
    options = {**options, "temperature": 3.0}
    plain = build({**options, "scale_by_temperature_squared": False})(student, teacher)
    assert_close(build(options)(student, teacher), 9 * plain)
    untempered = build({**options, "temperature": 1.0})
    assert_close(plain, untempered(student.tempered(3.0), teacher.tempered(3.0)))
