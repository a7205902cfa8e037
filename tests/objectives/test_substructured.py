import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from hypothesis import given, settings, strategies as st
from torch.testing import assert_close

from allennlp_kd.objectives.chain import predictions as chain_predictions
from allennlp_kd.objectives.chain.predictions import edge_predictions
from allennlp_kd.objectives.chain.scores import centred_scores, emission_scores, raw_scores
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.structs.chain import ChainPotentials
from tests.objectives.chains import (
    enumerated_predictions,
    enumerated_raw,
    random_chains,
    sequence_scores,
)

BATCHES = [([4, 1, 0, 3, 2], 3), ([3, 2, 1], 1), ([1], 4), ([5, 5], 2), ([0, 0], 2)]
FUNCTIONS = [edge_predictions, centred_scores, emission_scores, raw_scores]


def pair(lengths, tags, seed=0, padding=0):
    student = random_chains(lengths, tags, seed, padding=padding)
    return student, random_chains(lengths, tags, seed + 1000, padding=padding)


def rows(function, student, teacher):
    return torch.stack([function(student, teacher, row) for row in range(student.batch_size)])


@pytest.fixture(params=["products", "cells"])
def branch(request, monkeypatch):
    """Probability space and log space; each test of predictions is for both."""
    if request.param == "cells":
        monkeypatch.setattr(chain_predictions, "MAX_SPREAD", -1.0)


@pytest.mark.parametrize("lengths,tags", BATCHES)
@pytest.mark.parametrize("seed", range(3))
class TestEnumeration:
    def test_predictions(self, lengths, tags, seed, branch):
        student, teacher = pair(lengths, tags, seed)
        expected = rows(enumerated_predictions, student, teacher)
        assert_close(edge_predictions(student, teacher), expected)

    def test_raw(self, lengths, tags, seed):
        student, teacher = pair(lengths, tags, seed)
        assert_close(raw_scores(student, teacher), rows(enumerated_raw, student, teacher))

    def test_centred_is_the_variance_over_all_sequences(self, lengths, tags, seed):
        student, teacher = pair(lengths, tags, seed)
        expected = []
        for row in range(len(lengths)):
            difference = sequence_scores(student, row) - sequence_scores(teacher, row)
            expected.append(difference.var(unbiased=False))
        assert_close(centred_scores(student, teacher), torch.stack(expected), rtol=1e-6, atol=1e-9)

    def test_emissions(self, lengths, tags, seed):
        student, teacher = pair(lengths, tags, seed)
        cells = (student.emissions - teacher.emissions).square()
        expected = [cells[row, :length].mean(-1).sum() for row, length in enumerate(lengths)]
        assert_close(emission_scores(student, teacher), torch.stack(expected))


def shifted(chains: ChainPotentials, seed: int) -> ChainPotentials:
    """The same distribution, by other scores: every gauge shift at once."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64) * 3

    batch, words, tags = chains.emissions.shape
    column, row, first, last = (normal(tags) for _ in range(4))
    constants = normal(batch, words, 1)
    emissions = chains.emissions + constants
    later = chains.mask[:, 1:].unsqueeze(-1)
    emissions[:, 1:] = torch.where(later, emissions[:, 1:] - column, emissions[:, 1:])
    emissions[:, :-1] = torch.where(later, emissions[:, :-1] - row, emissions[:, :-1])
    for sentence, length in enumerate(chains.lengths.tolist()):
        if length:
            emissions[sentence, 0] -= first
            emissions[sentence, length - 1] -= last
    transitions = chains.transitions + column + row.unsqueeze(1) + normal(1)
    return ChainPotentials(
        emissions, chains.mask, transitions, chains.start + first, chains.end + last
    )


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 4), st.integers(0, 999))
def test_centred_does_not_see_the_gauge(lengths, tags, seed):
    student, teacher = pair(lengths, tags, seed)
    expected = centred_scores(student, teacher)
    assert_close(centred_scores(shifted(student, seed), teacher), expected, atol=1e-8, rtol=1e-8)
    assert_close(centred_scores(student, shifted(teacher, seed)), expected, atol=1e-8, rtol=1e-8)
    same = centred_scores(shifted(student, seed), student)
    assert_close(same, torch.zeros_like(same), atol=1e-8, rtol=0)
    if tags > 1:
        assert (expected > 1e-9).all()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 4), st.integers(0, 999))
def test_predictions_are_zero_up_to_a_tables_constant_and_never_negative(lengths, tags, seed):
    student, teacher = pair(lengths, tags, seed)
    constants = torch.randn(student.mask.shape, dtype=torch.float64).unsqueeze(-1)
    same = ChainPotentials(
        student.emissions + constants,
        student.mask,
        student.transitions + 2.5,
        student.start - 1.5,
        student.end + 0.5,
    )
    found = edge_predictions(student, same)
    assert_close(found, torch.zeros_like(found), atol=1e-9, rtol=0)
    assert (edge_predictions(student, teacher) >= -1e-12).all()


@pytest.mark.parametrize("function", FUNCTIONS)
class TestGradients:
    def test_against_finite_differences(self, function, branch):
        student, teacher = pair([3, 1, 0, 2], 3, padding=1)
        scores = [student.emissions, student.transitions, student.start, student.end]
        filled = scores[0].nan_to_num(0.0)

        def loss(emissions, transitions, start, end):
            emissions = emissions.masked_fill(~student.mask.unsqueeze(-1), float("nan"))
            side = ChainPotentials(emissions, student.mask, transitions, start, end)
            return function(side, teacher)

        inputs = [each.clone().requires_grad_() for each in (filled, *scores[1:])]
        assert torch.autograd.gradcheck(loss, inputs)

    def test_padding_changes_nothing_and_has_no_gradient(self, function, branch):
        narrow, wide = pair([3, 1, 0], 3), pair([3, 1, 0], 3, padding=2)
        emissions = wide[0].emissions.clone().requires_grad_()
        student = ChainPotentials(
            emissions, wide[0].mask, wide[0].transitions, wide[0].start, wide[0].end
        )
        found = function(student, wide[1])
        assert_close(found, function(*narrow))
        found.sum().backward()
        assert (emissions.grad[~wide[0].mask] == 0).all()


@pytest.mark.parametrize("scale", [30.0, 1e3])
def test_predictions_of_scores_far_apart(scale):
    sides = [random_chains([4, 2, 1], 3, seed, scale) for seed in (0, 1)]
    expected = rows(enumerated_predictions, *sides)
    single = [
        ChainPotentials(
            each.emissions.float(),
            each.mask,
            each.transitions.float(),
            each.start.float(),
            each.end.float(),
        )
        for each in sides
    ]
    assert_close(edge_predictions(*single).double(), expected, rtol=1e-5, atol=1e-4 * scale)


def test_forbidden_transitions_of_the_teacher_have_no_mass():
    student, teacher = pair([4, 1, 2], 3)
    teacher.transitions[0, 1] = float("-inf")
    student.transitions.requires_grad_()
    found = edge_predictions(student, teacher)
    assert_close(found, rows(_predictions_without_forbidden, student, teacher))
    found.sum().backward()
    assert torch.isfinite(student.transitions.grad).all()


@pytest.mark.parametrize("where", ["emissions", "start", "end"])
@pytest.mark.parametrize("both", [False, True])
def test_forbidden_tags_have_no_mass(where, both):
    student, teacher = pair([4, 1, 2], 3)
    for side in (teacher, student) if both else (teacher,):
        scores = getattr(side, where)
        (scores[0, 1] if where == "emissions" else scores)[0] = float("-inf")
    student.emissions.requires_grad_()
    found = edge_predictions(student, teacher)
    scores = [part.detach().clamp(min=-1e3) for part in (student.emissions, student.transitions)]
    ends = [part.clamp(min=-1e3) for part in (student.start, student.end)]
    finite = ChainPotentials(scores[0], student.mask, scores[1], *ends)
    assert_close(found.detach(), rows(_predictions_without_forbidden, finite, teacher))
    found.sum().backward()
    assert torch.isfinite(student.emissions.grad).all()


def _predictions_without_forbidden(student, teacher, row):
    finite = ChainPotentials(
        teacher.emissions.clamp(min=-1e3),
        teacher.mask,
        teacher.transitions.clamp(min=-1e3),
        teacher.start.clamp(min=-1e3),
        teacher.end.clamp(min=-1e3),
    )
    return enumerated_predictions(student, finite, row)


class TestOptions:
    def test_is_the_default_objective(self):
        assert isinstance(Objective.from_params(Params({})), Substructured)

    def test_predictions_have_a_temperature_and_its_square(self):
        student, teacher = pair([3, 1], 3)
        found = Substructured(temperature=2.0)(student, teacher)
        assert_close(found, 4 * edge_predictions(student.tempered(2.0), teacher.tempered(2.0)))
        plain = Substructured(temperature=2.0, scale_by_temperature_squared=False)(student, teacher)
        assert_close(plain, found / 4)

    @pytest.mark.parametrize(
        "form,function",
        [("raw", raw_scores), ("centred", centred_scores), ("emissions", emission_scores)],
    )
    def test_scores(self, form, function):
        student, teacher = pair([3, 1], 3)
        objective = Objective.from_params(
            Params({"type": "substructured", "match": "scores", "form": form, "scale": 0.5})
        )
        assert_close(objective(student, teacher), 0.5 * function(student, teacher))

    @pytest.mark.parametrize(
        "options,message",
        [
            ({"match": "labels"}, "match must be one of predictions, scores, both, found 'labels'"),
            ({"match": "scores", "form": "rough"}, "form must be one of .*, found 'rough'"),
            ({"form": "raw"}, "form 'raw' is for scores"),
            ({"scale": 0.0}, "scale must be greater than 0, found 0.0"),
        ],
    )
    def test_errors(self, options, message):
        with pytest.raises(ConfigurationError, match=message):
            Substructured(**options)

    @pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
    def test_temperature(self, temperature):
        with pytest.raises(ConfigurationError, match="temperature must be greater than 0"):
            Substructured(temperature=temperature)
