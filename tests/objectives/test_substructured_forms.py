"""Windows of several tags, weighted and robust squares, and sums of matches."""

from itertools import product

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from hypothesis import given, settings, strategies as st
from torch.testing import assert_close

from allennlp_kd.objectives.chain.predictions import edge_predictions
from allennlp_kd.objectives.chain.scores import centred_scores, emission_scores
from allennlp_kd.objectives.chain.weighted_scores import product_weights, weighted_scores
from allennlp_kd.objectives.chain.window_predictions import window_predictions
from allennlp_kd.objectives.numerics.huber import huber_loss
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.tree.scores import (
    centred_arc_scores,
    centred_label_scores,
    centred_labelled_scores,
    mixed_heads,
    weighted_labelled_scores,
)
from allennlp_kd.structs.chain import ChainPotentials, kl_divergence, with_marginals
from tests.objectives.chains import random_chains, sequence_scores
from tests.structs.tree.enumeration import random_potentials

BATCHES = [([4, 1, 0, 3, 2], 3), ([3, 2, 1], 1), ([1], 4), ([5, 5], 2), ([0, 0], 2)]
batches = pytest.mark.parametrize("lengths,tags", BATCHES)


def pair(lengths, tags, seed=0, padding=0, scale=1.0):
    student = random_chains(lengths, tags, seed, padding=padding, scale=scale)
    teacher = random_chains(lengths, tags, seed + 1000, padding=padding, scale=scale)
    return student, with_marginals(teacher)


def window_cells(chains, row, first, last):
    """The scores of all tags of the words `first` to `last` (exclusive), summed by hand."""
    words = int(chains.lengths[row])
    found = []
    for tags in product(range(chains.num_tags), repeat=last - first):
        score = torch.zeros((), dtype=torch.float64)
        for place, tag in enumerate(tags, start=first):
            score = score + chains.emissions[row, place, tag]
            score = score + (chains.start[tag] if place == 0 else 0)
            score = score + (chains.end[tag] if place == words - 1 else 0)
            if place > first:
                score = score + chains.transitions[tags[place - first - 1], tag]
        found.append(score)
    return torch.stack(found)


class TestWindows:
    @batches
    @pytest.mark.parametrize("window", [1, 2, 3, 4, 9])
    def test_against_enumeration(self, lengths, tags, window):
        student, teacher = pair(lengths, tags)
        expected = torch.zeros(len(lengths), dtype=torch.float64)
        for row, words in enumerate(lengths):
            width = min(window, words)
            for first in range(words - width + 1) if words else ():
                cells = (
                    window_cells(side, row, first, first + width) for side in (teacher, student)
                )
                p, q = (each.log_softmax(0) for each in cells)
                expected[row] += (p.exp() * (p - q)).sum()
        assert_close(window_predictions(student, teacher, window), expected)
        found = Substructured(window=window, temperature=2.0)(student, teacher)
        tempered = student.tempered(2.0), teacher.tempered(2.0)
        assert_close(found, 4 * window_predictions(*tempered, window))

    def test_that_cover_the_sentence_are_the_divergence_of_the_sequences(self):
        student, teacher = pair([4, 2, 1, 0], 3)
        found = window_predictions(student, teacher, 4)
        assert_close(found, kl_divergence(teacher, student))

    @pytest.mark.parametrize("window", [1, 2, 3])
    def test_what_the_teacher_forbids_leaves_numbers(self, window):
        student, teacher = pair([4, 1, 2], 3)
        teacher.transitions[0, 1] = float("-inf")
        student.transitions.requires_grad_()
        student.emissions.requires_grad_()
        window_predictions(student, teacher, window).sum().backward()
        for score in (student.transitions, student.emissions):
            assert score.grad is None or torch.isfinite(score.grad).all()


def random_weights(lengths, tags, seed):
    """Padded with NaN."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths), tags)
    weights = torch.randn(shape, generator=generator, dtype=torch.float64).mul(2).softmax(-1)
    padding = torch.arange(shape[1]) >= torch.tensor(lengths).unsqueeze(1)
    return weights.masked_fill(padding.unsqueeze(-1), float("nan"))


def variance(values, weights):
    mean = (weights * values).sum()
    return (weights * (values - mean) ** 2).sum()


@batches
@pytest.mark.parametrize("seed", range(3))
def test_weighted_is_the_variance_of_tags_drawn_word_by_word(lengths, tags, seed):
    student, teacher = pair(lengths, tags, seed)
    weights = random_weights(lengths, tags, seed)
    found = weighted_scores(student, teacher, weights)
    for row, words in enumerate(lengths):
        drawn = torch.stack(
            [
                torch.stack([weights[row, i, tag] for i, tag in enumerate(sequence)]).prod()
                if sequence
                else torch.ones((), dtype=torch.float64)
                for sequence in product(range(tags), repeat=words)
            ]
        )
        difference = sequence_scores(student, row) - sequence_scores(teacher, row)
        assert_close(found[row], variance(difference, drawn), rtol=1e-7, atol=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=3), st.integers(1, 4), st.integers(0, 999))
def test_mixed_with_nothing_but_the_uniform_it_is_centred(lengths, tags, seed):
    student, teacher = pair(lengths, tags, seed)
    found = Substructured(match="scores", form="weighted", mix=1.0)(student, teacher)
    assert_close(found, centred_scores(student, teacher), rtol=1e-8, atol=1e-8)


def test_half_of_it_is_the_divergence_of_near_distributions_of_independent_words():
    """Without transitions the teacher is the product of its marginals, and the expansion exact."""
    teacher = random_chains([3, 2], 3, 0)
    teacher.transitions.zero_()
    teacher = with_marginals(teacher)
    step = 1e-3
    student = ChainPotentials(
        teacher.emissions + step * torch.randn_like(teacher.emissions),
        teacher.mask,
        step * torch.randn(3, 3, dtype=torch.float64),
        teacher.start,
        teacher.end,
    )
    found = Substructured(match="scores", form="weighted", mix=0.0, scale=0.5)(student, teacher)
    assert_close(found, kl_divergence(teacher, student), rtol=0.02, atol=0.0)


class TestWeights:
    def test_are_mixed(self):
        student, teacher = pair([3, 1], 3)
        words = student.mask
        marginals = teacher.marginals
        found = product_weights(student, teacher, 0.25, "uniform")
        assert_close(found[words], (0.75 * marginals + 0.25 / 3)[words])
        local = student.emissions.softmax(-1)
        found = product_weights(student, teacher, 0.25, "student")
        assert_close(found[words], (0.75 * marginals + 0.25 * local)[words])
        assert_close(product_weights(student, teacher, 0.0, "student")[words], marginals[words])

    @pytest.mark.parametrize("mix_with", ["uniform", "student"])
    def test_have_no_gradient_and_are_not_tempered(self, mix_with):
        student, teacher = pair([3, 1], 3)
        student.emissions.requires_grad_()
        weights = product_weights(student, teacher, 0.5, mix_with)
        assert not weights.requires_grad
        objective = Substructured(
            match="scores", form="weighted", mix_with=mix_with, temperature=2.0
        )
        assert objective.needs == {"marginals"}
        assert_close(objective(student, teacher), weighted_scores(student, teacher, weights) / 4)

    def test_without_the_marginals_they_are_refused(self):
        student, teacher = random_chains([2], 2, 0), random_chains([2], 2, 1)
        objective = Substructured(match="scores", form="weighted", mix=0.2)
        with pytest.raises(ConfigurationError, match="with mix 0.2 needs the teacher's marginals"):
            objective(student, teacher)
        alone = Substructured(match="scores", form="weighted", mix=1.0, mix_with="student")
        assert alone.needs == frozenset()
        assert alone(student, teacher) > 0


def test_huber_is_a_square_and_then_a_line():
    differences = torch.tensor([-3.0, -0.5, 0.0, 1.0, 1.5], dtype=torch.float64)
    found = huber_loss(differences, 1.0)
    assert_close(found, torch.tensor([5.0, 0.25, 0.0, 1.0, 2.0], dtype=torch.float64))
    assert_close(huber_loss(differences), differences**2)
    differences.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: huber_loss(x, 1.2), differences)


@pytest.mark.parametrize("form,function", [(None, centred_scores), ("emissions", emission_scores)])
def test_huber_of_chains(form, function):
    student, teacher = pair([4, 1, 0, 2], 3, scale=3.0)
    huber = Substructured(match="scores", form=form, huber=0.5)(student, teacher)
    large = Substructured(match="scores", form=form, huber=1e6)(student, teacher)
    assert_close(large, function(student, teacher))
    rows = torch.tensor([0, 1, 3])
    assert (huber[rows] < large[rows]).all() and (huber[rows] > 0).all()
    if form is None:  # one word: its centred emissions, start and end
        word = [s.emissions[1, 0] + s.start + s.end for s in (student, teacher)]
        difference = word[0] - word[1]
        assert_close(huber[1], huber_loss(difference - difference.mean(), 0.5).mean())


@pytest.mark.parametrize(
    "options", [{"form": "weighted"}, {"form": "weighted", "mix_with": "student"}, {"huber": 0.7}]
)
def test_gradients_and_padding(options):
    objective = Substructured(match="scores", **options)
    student, teacher = pair([3, 1, 0, 2], 3, padding=1)
    assert_close(objective(student, teacher), objective(*pair([3, 1, 0, 2], 3)))
    padding = ~student.mask.unsqueeze(-1)

    def loss(emissions, *shared):
        emissions = emissions.masked_fill(padding, float("nan"))
        return objective(ChainPotentials(emissions, student.mask, *shared), teacher)

    inputs = [student.emissions.masked_fill(padding, 0.0), student.transitions, student.start]
    inputs = [each.clone().requires_grad_() for each in (*inputs, student.end)]
    if options.get("mix_with") == "student":  # whose weights have no gradient
        loss(*inputs).sum().backward()
        assert (inputs[0].grad[padding.expand_as(inputs[0])] == 0).all()
        assert all(torch.isfinite(each.grad).all() for each in inputs)
    else:
        assert torch.autograd.gradcheck(loss, inputs)


def test_both_is_the_sum():
    for student, teacher in (pair([3, 1], 3), tree_pair()):
        found = Substructured(match="both", scale=0.1, temperature=2.0)(student, teacher)
        predictions = Substructured(temperature=2.0)(student, teacher)
        scores = Substructured(match="scores", temperature=2.0)(student, teacher)
        assert_close(found, predictions + 0.1 * scores)
    found = Substructured(match="both", heads="probable")(student, teacher)
    scores = Substructured(match="scores", heads="probable")(student, teacher)
    assert_close(found, Substructured()(student, teacher) + scores)
    student, teacher = pair([3, 1], 3)
    found = Substructured(match="both", window=1)(student, teacher)
    assert_close(found - centred_scores(student, teacher), window_predictions(student, teacher, 1))
    assert not torch.allclose(found, found + edge_predictions(student, teacher))


def tree_pair():
    return [random_potentials([3, 1, 0, 2], 2, scale=2.0, seed=seed) for seed in (0, 1)]


@pytest.mark.parametrize("mix,mix_with", [(0.0, "uniform"), (0.3, "uniform"), (0.3, "student")])
def test_weighted_trees_are_the_variance_word_by_word(mix, mix_with):
    student, teacher = tree_pair()
    objective = Substructured(match="scores", form="weighted", mix=mix, mix_with=mix_with)
    found = objective(student, teacher)
    heads = mixed_heads(student, teacher, mix, mix_with)
    assert_close(found, weighted_labelled_scores(student, teacher, heads, mix, mix_with))
    for row, length in enumerate([3, 1, 0, 2]):
        expected = torch.zeros((), dtype=torch.float64)
        for word in range(length):
            places = [head for head in range(length + 1) if head != word + 1]
            arcs = [side.arcs[row, word, places] for side in (student, teacher)]
            uniform = torch.full_like(arcs[0], 1 / len(places))
            other = uniform if mix_with == "uniform" else arcs[0].softmax(0)
            q = (1 - mix) * arcs[1].softmax(0) + mix * other
            differences, drawn = [], []
            for place, (weight, head) in enumerate(zip(q, places)):
                labels = [side.labels[row, word, head] for side in (student, teacher)]
                uniform = torch.full_like(labels[0], 0.5)
                other = uniform if mix_with == "uniform" else labels[0].softmax(0)
                r = (1 - mix) * labels[1].softmax(0) + mix * other
                differences.append((arcs[0] - arcs[1])[place] + labels[0] - labels[1])
                drawn.append(weight * r)
            expected = expected + variance(torch.cat(differences), torch.cat(drawn))
        assert_close(found[row], expected)


def test_weighted_trees_mixed_with_nothing_but_the_uniform_are_centred():
    student, teacher = tree_pair()
    found = Substructured(match="scores", form="weighted", mix=1.0, temperature=2.0)
    expected = Substructured(match="scores", temperature=2.0)
    assert_close(found(student, teacher), expected(student, teacher))


def test_huber_of_trees():
    student, teacher = tree_pair()
    found = Substructured(match="scores", huber=0.5, temperature=2.0)(student, teacher)
    tempered = student.tempered(2.0), teacher.tempered(2.0)
    assert_close(found, centred_labelled_scores(*tempered, huber=0.5))
    large = Substructured(match="scores", huber=1e6)(student, teacher)
    assert_close(large, Substructured(match="scores")(student, teacher))
    labels = Substructured(match="scores", huber=0.5, parts="labels")(student, teacher)
    assert_close(labels, centred_label_scores(student, teacher, huber=0.5))
    assert (found < Substructured(match="scores", temperature=2.0)(student, teacher))[0]
    # One word with two heads that differ by d: both centred differences are d / 2.
    arcs = [side.arcs[3, 0, [0, 2]] for side in (student, teacher)]
    difference = (arcs[0] - arcs[1])[0] - (arcs[0] - arcs[1])[1]
    one = centred_arc_scores(
        student.select_rows(torch.tensor([3])), teacher.select_rows(torch.tensor([3])), huber=0.5
    )
    arcs = [side.arcs[3, 1, [0, 1]] for side in (student, teacher)]
    other = (arcs[0] - arcs[1])[0] - (arcs[0] - arcs[1])[1]
    assert_close(one[0], huber_loss(difference / 2, 0.5) + huber_loss(other / 2, 0.5))


@pytest.mark.parametrize(
    "options,message",
    [
        ({"window": 0}, "window must be at least 1, found 0"),
        ({"window": 3, "match": "scores"}, "window 3 is for predictions, but match is 'scores'"),
        ({"window": 3, "parts": "arcs"}, "window 3 is for chains, but parts"),
        ({"mix": 0.5}, "mix and mix_with are for form 'weighted', found 0.5 and 'None'"),
        (
            {"match": "scores", "mix_with": "student"},
            "found None and 'student' with match 'scores'",
        ),
        ({"match": "scores", "form": "weighted", "mix": 1.5}, "mix must lie in .*, found 1.5"),
        ({"match": "scores", "form": "weighted", "mix_with": "me"}, "uniform, student, found 'me'"),
        (
            {"match": "scores", "form": "weighted", "heads": "all"},
            "heads 'all' is for the forms",
        ),
        ({"match": "scores", "huber": 0.0}, "huber must be greater than 0, found 0.0"),
        ({"huber": 1.0}, "huber 1.0 is for the forms centered and emissions .* 'predictions'"),
        ({"match": "scores", "form": "raw", "huber": 1.0}, "found match 'scores', form 'raw'"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ConfigurationError, match=message):
        Substructured(**options)


def test_options_tell_the_structure():
    assert Substructured(window=3).structures == {"chain"}
    assert Substructured(match="scores", form="weighted").structures == {"chain", "tree"}


def test_centered_is_the_other_spelling_of_centred():
    student, teacher = (random_potentials([3, 1, 2], 2, seed=seed) for seed in (0, 1))
    one, other = (
        Substructured(match="scores", form=form)(student, teacher)
        for form in ("centred", "centered")
    )
    assert torch.equal(one, other)
