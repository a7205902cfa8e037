from itertools import product

import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from hypothesis import given, settings, strategies as st
from torch.testing import assert_close

from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.tree.predictions import arc_predictions, label_predictions
from allennlp_kd.objectives.tree.scores import (
    all_heads,
    best_heads,
    centred_arc_scores,
    centred_label_scores,
    centred_labelled_scores,
    probable_heads,
    raw_arc_scores,
    raw_label_scores,
)
from allennlp_kd.structs.tree import TreePotentials, blocks
from tests.structs.tree.enumeration import random_potentials

BATCHES = [([3, 1, 0, 2], 2), ([2, 2], 1), ([1], 3), ([0, 0], 2)]
ARCS = [arc_predictions, raw_arc_scores, centred_arc_scores]
LABELS = [label_predictions, raw_label_scores, centred_label_scores]
batches = pytest.mark.parametrize("lengths,labels", BATCHES)


def pair(lengths, labels, seed=0, extra=0, factored=True, padding=float("nan")):
    options = {"labels": labels, "extra": extra, "factored": factored, "padding": padding}
    student = random_potentials(lengths, seed=seed, scale=2.0, **options)
    return student, random_potentials(lengths, seed=seed + 1000, **options)


def assignments(length, labels):
    """All ways to give each word a head, which is not itself, and a label: no trees in general."""
    choices = [
        [(head, label) for head in range(length + 1) if head != word + 1 for label in range(labels)]
        for word in range(length)
    ]
    return list(product(*choices))


def local(scores, row, word, length):
    """The arcs of a word by head, normalized; the word itself left out."""
    heads = [head for head in range(length + 1) if head != word + 1]
    return dict(zip(heads, scores[row, word, heads].log_softmax(0)))


def log_probability(potentials, row, assignment, temperature=1.0):
    total = torch.zeros((), dtype=torch.double)
    arcs, labels = potentials.arcs / temperature, potentials.label_scores() / temperature
    for word, (head, label) in enumerate(assignment):
        total = total + local(arcs, row, word, int(potentials.lengths[row]))[head]
        total = total + labels[row, word, head].log_softmax(0)[label]
    return total


@batches
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_predictions_are_the_divergence_over_all_assignments(lengths, labels, temperature):
    student, teacher = pair(lengths, labels)
    found = arc_predictions(student, teacher, temperature)
    found = found + label_predictions(student, teacher, temperature)
    for row, length in enumerate(lengths):
        expected = 0.0
        for assignment in assignments(length, labels):
            log_p = log_probability(teacher, row, assignment, temperature)
            log_q = log_probability(student, row, assignment, temperature)
            expected += float(log_p.exp() * (log_p - log_q))
        assert_close(found[row].item(), expected, rtol=1e-9, atol=1e-9)


@batches
def test_centred_is_the_variance_over_all_assignments(lengths, labels):
    student, teacher = pair(lengths, labels)
    arcs, both = (
        centred_arc_scores(student, teacher),
        centred_labelled_scores(student, teacher),
    )
    objective = Substructured(match="scores", temperature=2.0)
    assert_close(objective(student, teacher), both / 4)
    uniform = Substructured(match="scores", form="weighted", mix=1.0)
    assert_close(uniform(student, teacher), both)
    arc_difference = student.arcs - teacher.arcs
    label_difference = student.label_scores() - teacher.label_scores()
    for row, length in enumerate(lengths):
        of_arcs, of_both = [], []
        for assignment in assignments(length, labels):
            total = sum(float(arc_difference[row, w, h]) for w, (h, _) in enumerate(assignment))
            of_arcs.append(total)
            total += sum(
                float(label_difference[row, w, h, k]) for w, (h, k) in enumerate(assignment)
            )
            of_both.append(total)
        for found, values in ((arcs, of_arcs), (both, of_both)):
            expected = torch.tensor(values, dtype=torch.double).var(unbiased=False)
            assert_close(found[row], expected, rtol=1e-9, atol=1e-9)


def test_the_labels_mean_counts_with_its_arc():
    """Two words and three labels, neither side centred: 5.07, of which the parts alone are 4.19."""
    generator = torch.Generator().manual_seed(0)
    sides = []
    for _ in range(2):
        arcs = torch.randn(1, 2, 3, generator=generator)
        labels = torch.randn(1, 2, 3, 3, generator=generator)
        sides.append(TreePotentials(arcs, torch.ones(1, 2, dtype=torch.bool), labels))
    parts = centred_arc_scores(*sides) + centred_label_scores(*sides)
    assert_close(parts, torch.tensor([4.19]), atol=0.01, rtol=0)
    found = Substructured(match="scores")(*sides)
    assert_close(found, torch.tensor([5.07]), atol=0.01, rtol=0)
    for heads, best in (("probable", None), ("best", 1)):  # other heads than the arcs' have no sum
        apart = Substructured(match="scores", heads=heads, best=best)(*sides)
        labels = Substructured(match="scores", heads=heads, best=best, parts="labels")(*sides)
        assert_close(apart, centred_arc_scores(*sides) + labels)


@batches
def test_raw_scores_and_the_weights_of_heads(lengths, labels):
    student, teacher = pair(lengths, labels)
    found_arcs = raw_arc_scores(student, teacher)
    weights = {
        "all": all_heads(teacher),
        "best": best_heads(teacher, 2),
        "probable": probable_heads(teacher),
    }
    found = {name: raw_label_scores(student, teacher, weight) for name, weight in weights.items()}
    centred = centred_label_scores(student, teacher, weights["probable"])
    arcs, parts = student.arcs - teacher.arcs, student.label_scores() - teacher.label_scores()
    for row, length in enumerate(lengths):
        expected = dict.fromkeys(["arcs", "all", "best", "probable", "centred"], 0.0)
        for word in range(length):
            table = local(teacher.arcs, row, word, length)
            ranked = sorted(table, key=lambda head: -table[head])[:2]
            for head in table:
                square = float(parts[row, word, head].square().mean())
                expected["arcs"] += float(arcs[row, word, head] ** 2) / len(table)
                expected["all"] += square / len(table)
                expected["best"] += square * (head in ranked) / len(ranked)
                expected["probable"] += square * float(table[head].exp())
                variance = parts[row, word, head].var(unbiased=False)
                expected["centred"] += float(variance * table[head].exp())
        assert_close(found_arcs[row].item(), expected.pop("arcs"), rtol=1e-9, atol=1e-9)
        assert_close(centred[row].item(), expected.pop("centred"), rtol=1e-9, atol=1e-9)
        for name, value in expected.items():
            assert_close(found[name][row].item(), value, rtol=1e-9, atol=1e-9)


def shifted(potentials, seed, same_labels=True):
    """The same local distributions by other scores."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.double)

    arcs = potentials.arcs + normal(*potentials.mask.shape, 1)
    labels = potentials.label_scores() + normal(*potentials.arcs.shape, 1)
    return TreePotentials(arcs, potentials.mask, labels)


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    labels=st.integers(1, 4),
    seed=st.integers(0, 999),
    extra=st.integers(0, 3),
)
def test_invariants(lengths, labels, seed, extra):
    student, teacher = pair(lengths, labels, seed)
    padded = pair(lengths, labels, seed, extra)
    for function in ARCS + LABELS:
        value = function(student, teacher)
        assert (value >= -1e-12).all()
        assert_close(function(*padded), value)
        assert (value[student.lengths == 0] == 0).all()
        assert_close(function(teacher, teacher), torch.zeros_like(value), atol=1e-12, rtol=0)
        if function in (raw_arc_scores, raw_label_scores):
            continue
        # A constant for a word's heads, or for an arc's labels, changes no distribution.
        moved = shifted(student, seed), shifted(teacher, seed + 1)
        assert_close(function(*moved), value, rtol=1e-6, atol=1e-9)
        choices = student.lengths > 1 if function in ARCS else student.lengths > 0
        if function in ARCS or labels > 1:
            assert (value[choices] > 0).all()


@pytest.mark.parametrize("function", ARCS + LABELS)
@pytest.mark.parametrize("factored", [True, False])
def test_gradients(function, factored):
    student, teacher = pair([3, 1, 0, 2], 2, factored=factored, padding=0.0)
    tensors = list(student.tensors())
    kind = type(student.labels)

    def run(*leaves):
        labels = kind(*leaves[1:]) if factored else leaves[1]
        return function(TreePotentials(leaves[0], student.mask, labels), teacher)

    leaves = tuple(tensor.clone().requires_grad_() for tensor in tensors)
    assert torch.autograd.gradcheck(run, leaves)


@pytest.mark.parametrize("function", ARCS + LABELS)
def test_nothing_but_arcs_has_a_gradient(function):
    student, teacher = pair([3, 1, 0, 2], 2, factored=False, extra=1)
    for tensor in student.tensors():
        tensor.requires_grad_()
    function(student, teacher).sum().backward()
    for tensor in student.tensors():
        if tensor.grad is not None:
            assert (tensor.grad[~student.arc_mask] == 0).all()
            assert tensor.grad[student.arc_mask].abs().sum() > 0
    assert any(tensor.grad is not None for tensor in student.tensors())


@pytest.mark.parametrize("function", LABELS)
def test_blocks_change_nothing(function, monkeypatch):
    results = []
    for cells in (10**9, 40):
        monkeypatch.setattr(blocks, "BLOCK_CELLS", cells)
        student, teacher = pair([3, 1, 0, 2], 2)
        for tensor in student.tensors():
            tensor.requires_grad_()
        value = function(student, teacher)
        value.sum().backward()
        results.append([value.detach()] + [tensor.grad for tensor in student.tensors()])
    for expected, found in zip(*results):
        if expected is not None:
            assert_close(found, expected)


class TestObjective:
    @pytest.mark.parametrize(
        "options, functions",
        [
            ({}, [arc_predictions, label_predictions]),
            ({"parts": "both"}, [arc_predictions, label_predictions]),
            ({"parts": "arcs"}, [arc_predictions]),
            ({"parts": "labels"}, [label_predictions]),
            ({"match": "scores"}, [centred_labelled_scores]),
            ({"match": "scores", "form": "raw"}, [raw_arc_scores, raw_label_scores]),
            (
                {"match": "scores", "heads": "probable", "parts": "labels"},
                [lambda s, t: centred_label_scores(s, t, probable_heads(t))],
            ),
            (
                {"match": "scores", "heads": "best", "best": 3, "parts": "labels", "form": "raw"},
                [lambda s, t: raw_label_scores(s, t, best_heads(t, 3))],
            ),
        ],
    )
    def test_options(self, options, functions):
        student, teacher = pair([3, 1, 0], 2)
        objective = Objective.from_params(
            Params({"type": "substructured", "scale": 2.0, **options})
        )
        assert "tree" in objective.structures
        assert ("chain" in objective.structures) == (not {"parts", "heads"} & set(options))
        expected = sum(function(student, teacher) for function in functions)
        assert_close(objective(student, teacher), 2 * expected)

    @pytest.mark.parametrize(
        "options", [{}, {"match": "scores"}, {"match": "scores", "heads": "probable"}]
    )
    def test_temperature_divides_all_scores(self, options):
        student, teacher = pair([3, 1, 0], 2)
        found = Substructured(temperature=2.0, scale_by_temperature_squared=False, **options)
        expected = Substructured(**options)(student.tempered(2.0), teacher.tempered(2.0))
        assert_close(found(student, teacher), expected)
        if not options:
            squared = Substructured(temperature=2.0)
            assert_close(squared(student, teacher), 4 * expected)

    def test_without_labels_it_is_the_arcs(self):
        student, teacher = pair([3, 1, 0], 2)
        found = Substructured()(student.without_labels(), teacher.without_labels())
        assert_close(found, arc_predictions(student, teacher))
        for parts in ("both", "labels"):
            with pytest.raises(
                ConfigurationError, match=f"parts is '{parts}', but .* without labels"
            ):
                Substructured(parts=parts)(student.without_labels(), teacher.without_labels())

    @pytest.mark.parametrize(
        "options, message",
        [
            ({"parts": "heads"}, "parts must be one of arcs, labels, both, found 'heads'"),
            ({"match": "scores", "heads": "few"}, "all, best, probable, found 'few'"),
            (
                {"heads": "all"},
                "heads 'all' is for label scores, found match 'predictions'",
            ),
            ({"match": "scores", "heads": "all", "parts": "arcs"}, "parts 'arcs'"),
            ({"match": "scores", "best": 2}, "best needs heads 'best', .* found 2 and 'None'"),
            ({"match": "scores", "heads": "best"}, "found None and 'best'"),
            ({"match": "scores", "heads": "best", "best": 0}, "best must be at least 1, found 0"),
            (
                {"match": "scores", "form": "emissions", "parts": "arcs"},
                "'emissions' is for chains",
            ),
        ],
    )
    def test_errors(self, options, message):
        with pytest.raises(ConfigurationError, match=message):
            Substructured(**options)

    def test_emissions_are_of_chains(self):
        assert Substructured(match="scores", form="emissions").structures == {"chain"}
