"""The numpy decoders against brute force and their twins in torch."""

import itertools

import numpy
import pytest
import torch
from hypothesis import given, settings, strategies as st

from allennlp_kd.structs.chain import ChainPotentials, viterbi as torch_viterbi
from allennlp_kd.structs.tree.spanning.arborescence import maximum_spanning_arborescence
from spacy_bridge.runtime.decoding.arborescence import are_single_rooted_trees, best_heads
from spacy_bridge.runtime.decoding.viterbi import ChainScores, viterbi
from tests.spacy_bridge.test_parser_equality import reaches_root


def chain(random: numpy.random.Generator, tags: int) -> ChainScores:
    return ChainScores(*(random.normal(size=shape) for shape in ((tags, tags), tags, tags)))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(1, 4), st.integers(0, 999))
def test_viterbi(lengths: list, tags: int, seed: int) -> None:
    random = numpy.random.default_rng(seed)
    lengths = numpy.array(sorted(lengths, reverse=True))
    emissions = random.normal(size=(len(lengths), lengths[0], tags))
    scores = chain(random, tags)
    found, totals = viterbi(emissions, lengths, scores)
    for row, length in enumerate(lengths):
        every = {
            path: scores.start[path[0]]
            + scores.end[path[-1]]
            + sum(emissions[row, place, tag] for place, tag in enumerate(path))
            + sum(scores.transitions[move] for move in zip(path, path[1:]))
            for path in itertools.product(range(tags), repeat=int(length))
        }
        best = max(every, key=lambda path: every[path])
        assert tuple(found[row, :length]) == best
        assert (found[row, length:] == 0).all()
        assert totals[row] == pytest.approx(every[best])
    mask = torch.arange(int(lengths[0])) < torch.tensor(lengths)[:, None]
    twin, twin_scores = torch_viterbi(
        ChainPotentials(
            emissions=torch.tensor(emissions), mask=mask, transitions=torch.tensor(scores.transitions),
            start=torch.tensor(scores.start), end=torch.tensor(scores.end),
        )
    )  # fmt: skip
    assert (twin.numpy() == found).all() and numpy.allclose(twin_scores.numpy(), totals)


def test_viterbi_refuses_lengths_that_rise_or_are_zero() -> None:
    scores = chain(numpy.random.default_rng(0), 2)
    for lengths in ([1, 2], [2, 0]):
        with pytest.raises(ValueError, match="descending order, found"):
            viterbi(numpy.zeros((2, 2, 2)), numpy.array(lengths), scores)


def test_viterbi_of_no_sentence() -> None:
    found, totals = viterbi(
        numpy.zeros((0, 3, 2)), numpy.zeros(0, int), chain(numpy.random.default_rng(0), 2)
    )
    assert found.shape == (0, 3) and totals.shape == (0,)


def test_moves_of_another_number_of_tags_are_refused() -> None:
    with pytest.raises(ValueError, match=r"of shape \(3, 3\) and \(3,\), found \(2, 2\)"):
        ChainScores(numpy.zeros((2, 2)), numpy.zeros(3), numpy.zeros(3))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.booleans(), st.integers(0, 9999))
def test_best_heads_by_brute_force(words: int, single_root: bool, seed: int) -> None:
    scores = numpy.random.default_rng(seed).normal(size=(words, words + 1))
    trees = [
        heads
        for heads in itertools.product(range(words + 1), repeat=words)
        if reaches_root(heads) and (not single_root or heads.count(0) == 1)
    ]
    totals = [scores[numpy.arange(words), list(heads)].sum() for heads in trees]
    assert tuple(best_heads(scores, single_root)) == trees[int(numpy.argmax(totals))]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 5), st.integers(1, 30), st.integers(0, 9999))
def test_best_heads_where_many_words_want_root(words: int, more: int, seed: int) -> None:
    scores = numpy.random.default_rng(seed).normal(size=(words, words + 1))
    scores[:, 0] += more
    trees = [
        heads
        for heads in itertools.product(range(words + 1), repeat=words)
        if reaches_root(heads) and heads.count(0) == 1
    ]
    totals = [scores[numpy.arange(words), list(heads)].sum() for heads in trees]
    assert tuple(best_heads(scores)) == trees[int(numpy.argmax(totals))]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(0, 9999))
def test_best_heads_equal_the_twin(words: int, seed: int) -> None:
    scores = numpy.random.default_rng(seed).normal(size=(words, words + 1))
    assert (best_heads(scores, False) == maximum_spanning_arborescence(scores)).all()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 9999))
def test_trees_are_recognised(lengths: list, seed: int) -> None:
    random = numpy.random.default_rng(seed)
    heads = random.integers(0, 7, size=(len(lengths), 6))
    for row, length in enumerate(lengths):
        heads[row, :length] %= length + 1
    found = are_single_rooted_trees(heads, numpy.array(lengths))
    for row, length in enumerate(lengths):
        one = list(heads[row, :length])
        assert found[row] == (reaches_root(one) and one.count(0) == 1)
