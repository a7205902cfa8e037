import pytest
import torch
from hypothesis import given, settings, strategies

from allennlp_kd.structs.chain import (
    ChainPotentials,
    constrain,
    constraints_for,
    k_best,
    nll,
    score,
    viterbi,
)
from tests.structs.chain.enumeration import INFINITY, best_sequences, random_potentials


@pytest.mark.parametrize("num_tags", range(1, 6))
@pytest.mark.parametrize("with_ends", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("forbidden", [0.0, 0.4])
def test_the_best_sequence_is_the_enumerated_one(num_tags, with_ends, scale, forbidden):
    potentials = random_potentials(
        num_tags, num_tags, scale=scale, with_ends=with_ends, forbidden=forbidden
    )
    tags, scores = viterbi(potentials)
    assert tags.shape == potentials.mask.shape and not tags[~potentials.mask].any()
    for row, words in enumerate(potentials.lengths.tolist()):
        best, sequence = best_sequences(potentials, row)[0]
        assert tags[row, :words].tolist() == list(sequence)
        assert scores[row].item() == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize("num_tags", range(1, 6))
@pytest.mark.parametrize("k", [1, 2, 5, 30])
@pytest.mark.parametrize("forbidden", [0.0, 0.4])
def test_the_k_best_sequences_are_the_enumerated_ones(num_tags, k, forbidden):
    potentials = random_potentials(num_tags, num_tags, forbidden=forbidden)
    tags, scores = k_best(potentials, k)
    assert tags.shape == (7, k, 7) and scores.shape == (7, k)
    assert not tags.transpose(1, 2)[~potentials.mask].any()
    for row, words in enumerate(potentials.lengths.tolist()):
        expected = [pair for pair in best_sequences(potentials, row) if pair[0] > -INFINITY][:k]
        found = [tuple(sequence) for sequence in tags[row, :, :words].tolist()]
        assert found[: len(expected)] == [sequence for _, sequence in expected]
        wanted = torch.tensor([best for best, _ in expected], dtype=torch.float64)
        torch.testing.assert_close(scores[row, : len(expected)], wanted)
        assert (scores[row, len(expected) :] == -INFINITY).all()
        assert not tags[row, len(expected) :].any()


@settings(max_examples=40, deadline=None)
@given(
    seed=strategies.integers(0, 10**6),
    num_tags=strategies.integers(1, 6),
    lengths=strategies.lists(strategies.integers(0, 20), min_size=1, max_size=6),
    k=strategies.integers(1, 8),
)
def test_decoding_agrees_with_itself_on_longer_sentences(seed, num_tags, lengths, k):
    potentials = random_potentials(seed, num_tags, lengths, requires_grad=False)
    best, best_scores = viterbi(potentials)
    torch.testing.assert_close(score(potentials, best), best_scores)
    tags, scores = k_best(potentials, k)
    torch.testing.assert_close(scores[:, 0], best_scores)
    assert torch.equal(tags[:, 0], best)
    assert (scores[:, 1:] <= scores[:, :-1]).all()
    for place in range(k):
        exists = scores[:, place] > -INFINITY
        rescored = score(potentials, tags[:, place])
        torch.testing.assert_close(rescored[exists], scores[exists, place])
    for row in range(len(lengths)):
        real = [tuple(t) for t, s in zip(tags[row].tolist(), scores[row].tolist()) if s > -INFINITY]
        assert len(set(real)) == len(real) == min(k, num_tags ** lengths[row])


def test_equal_sequences_give_one_of_them_with_the_right_score():
    potentials = ChainPotentials(
        torch.zeros(2, 5, 3), torch.ones(2, 5, dtype=torch.bool), torch.zeros(3, 3)
    )
    tags, scores = viterbi(potentials)
    assert scores.tolist() == [0.0, 0.0] and ((tags >= 0) & (tags < 3)).all()
    assert k_best(potentials, 4)[1].tolist() == [[0.0] * 4] * 2


def test_padding_is_never_read():
    found = random_potentials(1, 4, padding=4, requires_grad=False)
    plain = ChainPotentials(
        found.emissions.nan_to_num()[:, :6],
        found.mask[:, :6],
        found.transitions,
        found.start,
        found.end,
    )
    tags, scores = viterbi(found)
    expected_tags, expected_scores = viterbi(plain)
    assert torch.equal(tags[:, :6], expected_tags) and torch.equal(scores, expected_scores)
    tags, scores = k_best(found, 3)
    expected_tags, expected_scores = k_best(plain, 3)
    assert torch.equal(tags[..., :6], expected_tags) and torch.equal(scores, expected_scores)


@pytest.mark.parametrize("shape", [(2, 3), (0, 3), (2, 0)])
def test_batches_without_words(shape):
    potentials = ChainPotentials(
        torch.randn(*shape, 3), torch.zeros(shape, dtype=torch.bool), torch.randn(3, 3)
    )
    tags, scores = viterbi(potentials)
    assert tags.shape == shape and not tags.any() and scores.tolist() == [0.0] * shape[0]
    tags, scores = k_best(potentials, 2)
    assert tags.shape == (shape[0], 2, shape[1]) and not tags.any()
    assert scores.tolist() == [[0.0, -INFINITY]] * shape[0]


def test_nothing_possible_scores_minus_infinity():
    emissions = torch.zeros(2, 3, 2)
    emissions[0, 1] = -INFINITY
    potentials = ChainPotentials(emissions, torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, 2))
    assert viterbi(potentials)[1].tolist() == [-INFINITY, 0.0]
    tags, scores = k_best(potentials, 9)
    assert scores[0].tolist() == [-INFINITY] * 9 and not tags[0].any()
    assert scores[1].tolist() == [0.0] * 8 + [-INFINITY]


@pytest.mark.parametrize("part", ["emissions", "transitions", "start", "end"])
@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize("forbidden", [False, True])
def test_scores_without_an_order_are_refused(part, value, forbidden):
    """Wherever they are; also where infinity meets -infinity."""
    mask = torch.tensor([[False] * 4, [True] * 4, [True, True, True, False]])
    scores = {
        "emissions": torch.randn(3, 4, 3),
        "transitions": torch.randn(3, 3),
        "start": torch.randn(3),
        "end": torch.randn(3),
    }
    scores["emissions"][0] = float("nan")  # padding
    if forbidden:
        scores["transitions"][:, 1] = -INFINITY
    for place in [(1, 0, 1), (1, 2, 1), (1, 3, 0)] if part == "emissions" else [(1, 1), (2, 0)]:
        wrong = {name: each.clone() for name, each in scores.items()}
        wrong[part][place if wrong[part].dim() > 1 else place[:1]] = float(value)
        potentials = ChainPotentials(mask=mask, **wrong)
        for search in (viterbi, lambda given: k_best(given, 1), lambda given: k_best(given, 3)):
            with pytest.raises(ValueError, match="row 1 has scores that are NaN or infinity"):
                search(potentials)


def test_decoded_tags_can_be_learned_from():
    potentials = random_potentials(2, 3, dtype=torch.float32)
    for tags in (viterbi(potentials)[0], k_best(potentials, 2)[0][:, 1]):
        nll(potentials, tags).sum().backward()
        assert not viterbi(potentials)[1].requires_grad


def test_constraints_forbid_at_decoding():
    labels = ["O", "B-A", "I-A", "B-B", "I-B"]
    constraints = constraints_for("BIO", labels)
    potentials = random_potentials(3, 5, scale=3.0, requires_grad=False)
    tags, scores = viterbi(potentials, constraints)
    legal_tags, legal_scores = viterbi(constrain(potentials, constraints))
    # BIO can always continue, so the best penalized sequence is the best legal one.
    assert torch.equal(tags, legal_tags)
    torch.testing.assert_close(scores, legal_scores)
    assert not torch.equal(tags, viterbi(potentials)[0])
    tags, scores = k_best(potentials, 3, constraints)
    torch.testing.assert_close(scores[:, 0], legal_scores)


def test_where_nothing_is_legal_the_least_illegal_is_found():
    constraints = constraints_for("BIO", ["I-A", "I-B"])
    potentials = ChainPotentials(
        torch.tensor([[[1.0, 3.0]]]), torch.ones(1, 1, dtype=torch.bool), torch.zeros(2, 2)
    )
    tags, scores = viterbi(potentials, constraints)
    assert (tags.tolist(), scores.tolist()) == ([[1]], [-9997.0])
    assert viterbi(constrain(potentials, constraints))[1].tolist() == [-INFINITY]


def test_a_k_below_one_is_refused():
    with pytest.raises(ValueError, match="k must be at least 1, found 0"):
        k_best(random_potentials(4, 2), 0)
