"""Scores in half precision: choices survive the conversion, or the sentence keeps its precision."""

import itertools
import math

import numpy
import pytest
import torch
from hypothesis import given, settings, strategies as some

from allennlp_kd.structs.chain import ChainPotentials, viterbi
from allennlp_kd.structs.tree import FactoredLabels, TreePotentials
from allennlp_kd.teachers.store import precision
from allennlp_kd.teachers.store.precision import PROBABILITY, TOLERANCE, narrowed
from allennlp_kd.teachers.store.stored_chains import StoredChains
from allennlp_kd.teachers.store.stored_trees import StoredTrees
from tests.structs.tree.enumeration import random_potentials


def chains(emissions, lengths=None):
    """A batch; anything may be in padding."""
    batch, words, tags = emissions.shape
    mask = torch.arange(words) < torch.tensor(lengths or [words] * batch).unsqueeze(1)
    padded = emissions.masked_fill(~mask.unsqueeze(2), float("nan"))
    return ChainPotentials(padded, mask, torch.zeros(tags, tags))


def of_chain(emissions):
    (found,) = narrowed(chains(emissions[None]), "float16", StoredChains, ["a sentence"])
    return found


def is_near(found, exact):
    """The twin: all pairs of options of all choices, one by one."""
    spread = moved = probability = 0.0
    for converted, row in zip(found.tolist(), exact.tolist()):
        for a, b in itertools.combinations(range(len(row)), 2):
            spread = max(spread, abs(row[a] - row[b]))
            moved = max(moved, abs((converted[a] - converted[b]) - (row[a] - row[b])))
        shares = [[math.exp(score - max(each)) for score in each] for each in (converted, row)]
        for a in range(len(row)):
            one, other = (share[a] / sum(share) for share in shares)
            probability = max(probability, abs(one - other))
    return moved <= TOLERANCE * spread * 1.001 and probability <= PROBABILITY * 1.001


@settings(max_examples=200, deadline=None)
@given(
    words=some.integers(1, 4),
    tags=some.integers(1, 5),
    offset=some.sampled_from([0.0, 1.0, -30.0, 3000.4, -3000.4, 3e4]),
    scale=some.sampled_from([1e-3, 0.1, 1.0, 10.0, 1000.0]),
    forbidden=some.booleans(),
    seed=some.integers(0, 2**20),
)
def test_chains(words, tags, offset, scale, forbidden, seed):
    generator = torch.Generator().manual_seed(seed)
    emissions = torch.randn(words, tags, generator=generator) * scale + offset
    if forbidden:
        emissions[:, 0] = -1e4
    found = of_chain(emissions)["emissions"]
    assert is_near(found.astype("float64"), emissions.double())
    if found.dtype == numpy.float32:  # and only where it is needed
        assert not is_near(emissions.half().double(), emissions.double())
        assert (found == emissions.numpy()).all()


def test_a_large_common_score_does_not_cost_a_tag():
    emissions = torch.tensor([[3000.4, 3000.9], [3000.9, 3000.4]])
    assert (emissions.half()[:, 0] == emissions.half()[:, 1]).all()
    found = of_chain(emissions)["emissions"]
    assert found.dtype == numpy.float32
    mask = torch.ones(1, 2, dtype=torch.bool)
    potentials = ChainPotentials(torch.from_numpy(found).unsqueeze(0), mask, torch.zeros(2, 2))
    assert viterbi(potentials)[0].tolist() == [[1, 0]]
    # A forbidden tag is far from all others and hides nothing.
    emissions = torch.tensor([[3000.4, 3000.9, -1e4]])
    assert of_chain(emissions)["emissions"].dtype == numpy.float32


def test_usual_scores_take_half_the_space():
    emissions = torch.randn(20, 9, generator=torch.Generator().manual_seed(1)) * 8 + 5
    assert of_chain(emissions)["emissions"].dtype == numpy.float16
    certain = torch.full((3, 4), -1e4)
    certain[:, 1] = 0.0
    assert of_chain(certain)["emissions"].dtype == numpy.float16


@pytest.mark.parametrize("part", ["arcs", "labels"])
def test_a_large_common_score_does_not_cost_an_arc(part):
    generator = torch.Generator().manual_seed(2)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    labels = FactoredLabels(normal(1, 4, 2), normal(1, 3, 2), normal(3, 2, 2), normal(3))
    exact = TreePotentials(normal(1, 3, 4), torch.ones(1, 3, dtype=torch.bool), labels)
    (found,) = narrowed(exact, "float16", StoredTrees, ["a sentence"])
    assert {each.dtype for each in found.values()} == {numpy.dtype("float16")}
    if part == "arcs":
        exact = TreePotentials(exact.arcs + 3000.4, exact.mask, labels)
    else:  # one factor adds the same to all labels of an arc
        dependents = torch.cat([labels.dependent * 0.001, torch.full((1, 3, 1), 60.02)], dim=2)
        weight = torch.cat([labels.weight, torch.ones(3, 2, 1)], dim=2)
        labels = FactoredLabels(labels.head + 50.01, dependents, weight, labels.bias)
        exact = TreePotentials(exact.arcs, exact.mask, labels)
    (found,) = narrowed(exact, "float16", StoredTrees, ["a sentence"])
    batch = {name: torch.as_tensor(array).float()[None] for name, array in found.items()}
    shared = {"weight": labels.weight, "bias": labels.bias}
    potentials = [StoredTrees.potentials(batch, torch.tensor([3]), shared), exact]
    tables = (
        [each.arcs[0][exact.arc_mask[0]].view(3, 3) for each in potentials]
        if part == "arcs"
        else [each.label_scores()[exact.arc_mask] for each in potentials]
    )
    assert is_near(*(table.double() for table in tables))


@pytest.mark.parametrize("cells", [1, 100, 2**22])
def test_each_sentence_of_a_batch_is_decided_by_itself(cells, monkeypatch):
    monkeypatch.setitem(precision.CELLS, "cpu", cells)
    generator = torch.Generator().manual_seed(3)
    emissions = torch.randn(5, 4, 6, generator=generator)
    emissions[1] += 3000.4
    emissions[4, :2] += 3000.4
    lengths = [4, 3, 1, 2, 3]
    batch = narrowed(chains(emissions, lengths), "float16", StoredChains, ["a sentence"] * 5)
    for row, n in enumerate(lengths):
        alone = of_chain(emissions[row, :n])["emissions"]
        assert batch[row]["emissions"].dtype == alone.dtype
        assert (batch[row]["emissions"] == alone).all()
    assert [each["emissions"].itemsize for each in batch] == [2, 4, 2, 2, 4]

    tall = random_potentials([3, 1, 2], labels=4, factored=True, extra=1, dtype=torch.float32)
    tall.arcs[0] += 3000.4
    found = narrowed(tall, "float16", StoredTrees, ["a sentence"] * 3)
    for row, n in enumerate([3, 1, 2]):
        one = tall.select_rows(torch.tensor([row])).first_words(n)
        (alone,) = narrowed(one, "float16", StoredTrees, ["a sentence"])
        for name, part in alone.items():
            assert found[row][name].dtype == part.dtype
            assert (found[row][name] == part).all()
    assert [each["arcs"].itemsize for each in found] == [4, 2, 2]


@pytest.mark.gpu
@pytest.mark.parametrize("tf32", [False, True])
def test_a_device_decides_as_the_cpu(tf32, monkeypatch):
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", tf32)
    scores = random_potentials([9] * 64, labels=5, factored=True, dtype=torch.float32)
    scores.labels.head[:, :, 0] += 10 * torch.arange(64).view(64, 1)
    arcs, *factors = (part.cuda() for part in scores.tensors())
    there = TreePotentials(arcs, scores.mask.cuda(), FactoredLabels(*factors))
    sizes = [
        [each["heads"].itemsize for each in narrowed(side, "float16", StoredTrees, [""] * 64)]
        for side in (scores, there)
    ]
    assert sizes[0] == sizes[1]
    assert set(sizes[0]) == {2, 4}
