"""Decoding only where there is a choice, against Viterbi over everything and brute force."""

import itertools

import numpy
import pytest
from hypothesis import given, settings, strategies as st

from spacy_bridge.runtime.decoding import chain_decoder
from spacy_bridge.runtime.decoding.chain_decoder import ChainDecoder
from spacy_bridge.runtime.decoding.viterbi import FORBIDDEN_SCORE, ChainScores, viterbi
from spacy_bridge.runtime.networks.layout import Layout

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=7)


def chain(random: numpy.random.Generator, tags: int, forbidden: float = 0.0) -> ChainScores:
    parts = [random.normal(size=shape) for shape in ((tags, tags), tags, tags)]
    return ChainScores(
        *(
            numpy.where(random.random(part.shape) < forbidden, FORBIDDEN_SCORE, part)
            for part in parts
        )
    )


def by_viterbi(emissions: numpy.ndarray, lengths: numpy.ndarray, scores: ChainScores) -> list:
    """The tags of all words, by Viterbi over whole sentences."""
    order = numpy.argsort(-lengths, kind="stable")
    slots = Layout.of(lengths).slots[order]
    found = viterbi(emissions[slots], lengths[order], scores)[0]
    rows = {int(row): found[place] for place, row in enumerate(order)}
    return [tag for row, length in enumerate(lengths) for tag in rows[row][:length]]


def score(scores: ChainScores, emissions: numpy.ndarray, path: tuple) -> float:
    moves = sum(scores.transitions[move] for move in zip(path, path[1:]))
    return (
        scores.start[path[0]]
        + scores.end[path[-1]]
        + moves
        + sum(row[tag] for row, tag in zip(emissions, path))
    )


@settings(max_examples=150, deadline=None)
@given(
    LENGTHS,
    st.integers(1, 6),
    st.sampled_from([0.5, 3.0, 20.0]),
    st.sampled_from([0.0, 0.3]),
    st.integers(0, 9999),
)
def test_equals_viterbi(
    lengths: list, tags: int, sharpness: float, forbidden: float, seed: int
) -> None:
    random = numpy.random.default_rng(seed)
    scores = chain(random, tags, forbidden)
    emissions = sharpness * random.normal(size=(sum(lengths), tags))
    found = ChainDecoder(scores)(emissions, numpy.array(lengths))
    assert list(found) == by_viterbi(emissions, numpy.array(lengths), scores)


@settings(max_examples=60, deadline=None)
@given(LENGTHS, st.integers(2, 6), st.sampled_from([1.0, 20.0]), st.integers(0, 9999))
def test_finds_as_high_a_score_in_float32(
    lengths: list, tags: int, sharpness: float, seed: int
) -> None:
    random = numpy.random.default_rng(seed)
    parts = chain(random, tags, 0.2)
    scores = ChainScores(
        *(part.astype(numpy.float32) for part in (parts.transitions, parts.start, parts.end))
    )
    emissions = (sharpness * random.normal(size=(sum(lengths), tags))).astype(numpy.float32)
    found = ChainDecoder(scores)(emissions, numpy.array(lengths))
    wanted = by_viterbi(emissions, numpy.array(lengths), scores)
    ends = numpy.cumsum(lengths)
    for start, end in zip(ends - lengths, ends):
        ours, theirs = (
            score(scores, emissions[start:end].astype(float), tuple(path[start:end]))
            for path in (found, wanted)
        )
        assert ours == pytest.approx(theirs, abs=1e-2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 3), st.integers(0, 9999))
def test_is_the_best_of_all_paths(lengths: list, tags: int, seed: int) -> None:
    random = numpy.random.default_rng(seed)
    scores = chain(random, tags, 0.2)
    emissions = 3 * random.normal(size=(sum(lengths), tags))
    found = ChainDecoder(scores)(emissions, numpy.array(lengths))
    start = 0
    for length in lengths:
        words = emissions[start : start + length]
        every = itertools.product(range(tags), repeat=length)
        best = max(every, key=lambda path: score(scores, words, path))
        assert tuple(found[start : start + length]) == best
        start += length


@settings(max_examples=60, deadline=None)
@given(LENGTHS, st.integers(2, 4), st.integers(0, 9999))
def test_ties_go_as_in_viterbi(lengths: list, tags: int, seed: int) -> None:
    random = numpy.random.default_rng(seed)
    parts = [random.integers(0, 2, size=shape) for shape in ((tags, tags), tags, tags)]
    scores = ChainScores(*(part.astype(numpy.float32) for part in parts))
    emissions = random.integers(0, 6, size=(sum(lengths), tags)).astype(numpy.float32)
    found = ChainDecoder(scores)(emissions, numpy.array(lengths))
    assert list(found) == by_viterbi(emissions, numpy.array(lengths), scores)


def test_words_without_a_choice_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second and the last word have a choice; each is a run, with its neighbors' transitions."""
    scores = ChainScores(
        numpy.array([[0.0, 2.0], [0.0, 0.0]]), numpy.array([0.0, 1.0]), numpy.array([1.5, 0.0])
    )
    emissions = numpy.array([[9.0, 0.0], [1.0, 0.0], [9.0, 0.0], [0.0, 9.0], [0.0, 1.0]])
    seen = []

    def watched(table: numpy.ndarray, lengths: numpy.ndarray, scores: ChainScores) -> tuple:
        seen.extend(lengths.tolist())
        return viterbi(table, lengths, scores)

    monkeypatch.setattr(chain_decoder, "viterbi", watched)
    found = ChainDecoder(scores)(emissions, numpy.array([5]))
    assert list(found) == [0, 1, 0, 1, 0] == by_viterbi(emissions, numpy.array([5]), scores)
    assert seen == [1, 1]


def test_a_path_with_a_forbidden_transition_is_decoded_again() -> None:
    """Both words want the tag 1, but it cannot follow itself: no other transition pays for that."""
    transitions = numpy.array([[0.0, 0.0], [0.0, FORBIDDEN_SCORE]])
    scores = ChainScores(transitions, numpy.zeros(2), numpy.zeros(2))
    emissions = numpy.array([[0.0, 20.0], [0.0, 21.0], [0.0, 5.0]])
    assert list(ChainDecoder(scores)(emissions, numpy.array([2, 1]))) == [0, 1, 1]
    start = ChainScores(transitions, numpy.array([0.0, FORBIDDEN_SCORE]), numpy.zeros(2))
    assert list(ChainDecoder(start)(emissions, numpy.array([2, 1]))) == [0, 1, 0]
    end = ChainScores(transitions, numpy.zeros(2), numpy.array([0.0, FORBIDDEN_SCORE]))
    assert list(ChainDecoder(end)(emissions, numpy.array([2, 1]))) == [1, 0, 0]


def test_blocks_of_runs_are_small_and_not_mostly_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    random = numpy.random.default_rng(13)
    scores = chain(random, 4)
    # One sentence without a certain word, and many in which every second word is certain.
    lengths = numpy.array([200, *random.integers(1, 12, size=80)])
    emissions = random.normal(size=(lengths.sum(), 4))
    emissions[200::2, 0] += 50
    cells = []

    def watched(table: numpy.ndarray, lengths: numpy.ndarray, scores: ChainScores) -> tuple:
        cells.append((len(table), table.shape[0] * table.shape[1], int(lengths.sum())))
        return viterbi(table, lengths, scores)

    monkeypatch.setattr(chain_decoder, "viterbi", watched)
    monkeypatch.setattr(chain_decoder, "CELLS", 20 * 4 * 4)
    assert list(ChainDecoder(scores)(emissions, lengths)) == by_viterbi(emissions, lengths, scores)
    assert len(cells) > 2 and max(runs for runs, _, _ in cells) == 20
    assert all(padded <= 2 * words for _, padded, words in cells)
