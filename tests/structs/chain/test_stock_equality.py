"""Equality with AllenNLP's own conditional random field."""

import itertools

import pytest
import torch
from allennlp.modules.conditional_random_field import ConditionalRandomField
from allennlp.modules.conditional_random_field.conditional_random_field import allowed_transitions

from allennlp_kd.structs.chain import ChainPotentials, constraints_for, k_best, nll, viterbi

LABELS = {
    "BIO": ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"],
    "IOB1": ["O", "B-PER", "I-PER", "I-LOC", "B-LOC"],
    "BIOUL": ["O", "B-PER", "I-PER", "L-PER", "U-PER", "U-LOC"],
    "BMES": ["B-PER", "M-PER", "E-PER", "S-PER", "E-LOC", "S-LOC"],
}


@pytest.mark.parametrize("encoding", LABELS)
def test_constraints_are_stock_s(encoding):
    # All prefixes under every encoding, so that those which an encoding does not know are in it
    # too.
    odd = [p + t for p, t in itertools.product("OBIULMESX", ["", "-A", "-B"])] + ["@@UNKNOWN@@"]
    for labels in (LABELS[encoding], odd):
        count = len(labels)
        expected = set(allowed_transitions(encoding, dict(enumerate(labels))))
        found = constraints_for(encoding, labels)
        pairs = {tuple(pair) for pair in found.transitions.nonzero().tolist()}
        pairs |= {(count, tag) for (tag,) in found.start.nonzero().tolist()}
        pairs |= {(tag, count + 1) for (tag,) in found.end.nonzero().tolist()}
        # Stock also lists the empty sequence for encodings that let every tag come next.
        assert pairs == {(i, j) for i, j in expected if not (i == count and j == count + 1)}


def build(encoding, with_ends, scale, constrained=True, seed=0):
    torch.manual_seed(seed)
    labels = LABELS[encoding]
    allowed = allowed_transitions(encoding, dict(enumerate(labels))) if constrained else None
    crf = ConditionalRandomField(len(labels), allowed, include_start_end_transitions=with_ends)
    lengths = torch.tensor([5, 1, 12, 3, 7, 2, 1, 9])
    mask = torch.arange(12) < lengths.unsqueeze(1)
    emissions = torch.randn(8, 12, len(labels)) * scale
    start, end = (crf.start_transitions, crf.end_transitions) if with_ends else (None, None)
    return crf, ChainPotentials(emissions, mask, crf.transitions, start, end)


@pytest.mark.parametrize("encoding", LABELS)
@pytest.mark.parametrize("with_ends", [False, True])
@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("scale", [0.3, 10.0])
def test_best_sequences_are_stock_s(encoding, with_ends, constrained, scale):
    crf, potentials = build(encoding, with_ends, scale, constrained)
    constraints = constraints_for(encoding, LABELS[encoding]) if constrained else None
    tags, scores = viterbi(potentials, constraints)
    best, best_scores = k_best(potentials, 4, constraints)
    decoded = crf.viterbi_tags(potentials.emissions, potentials.mask, top_k=4)
    for row, words in enumerate(potentials.lengths.tolist()):
        expected = [score for _, score in decoded[row]]
        assert scores[row].item() == pytest.approx(expected[0], rel=1e-5, abs=1e-5)
        # Below the legal ones stock lists sequences several times, see `penalize`.
        legal = [score for score in expected if score > -5000]
        assert legal
        assert best_scores[row, : len(legal)].tolist() == pytest.approx(legal, rel=1e-5, abs=1e-5)
        if expected[0] - expected[1] > 1e-4:
            assert tags[row, :words].tolist() == decoded[row][0][0]
            assert best[row, 0, :words].tolist() == decoded[row][0][0]


@pytest.mark.parametrize("with_ends", [False, True])
@pytest.mark.parametrize(
    "encoding, labels",
    [
        ("BIO", ["I-PER", "I-LOC"]),
        ("BIOUL", ["B-A", "I-A", "I-B"]),
        ("BMES", ["M-A", "E-A", "S-B"]),
    ],
)
def test_where_nothing_is_legal_stock_s_choice_is_taken(encoding, labels, with_ends):
    torch.manual_seed(0)
    allowed = allowed_transitions(encoding, dict(enumerate(labels)))
    count = len(labels)
    crf = ConditionalRandomField(count, allowed, include_start_end_transitions=with_ends)
    emissions = torch.randn(20, 4, count) * 3
    # S-B alone is legal at one place only.
    emissions[:, :, -1] -= 50.0
    mask = torch.arange(4) < (torch.arange(20) % 4 + 1).unsqueeze(1)
    ends = (crf.start_transitions, crf.end_transitions) if with_ends else ()
    potentials = ChainPotentials(emissions, mask, crf.transitions, *ends)
    tags, scores = viterbi(potentials, constraints_for(encoding, labels))
    decoded = crf.viterbi_tags(emissions, mask, top_k=2)
    illegal = 0
    for row, words in enumerate(potentials.lengths.tolist()):
        (sequence, best), (_, second) = decoded[row]
        illegal += best < -5000
        assert scores[row].item() == pytest.approx(best, rel=1e-6)
        if best - second > 0.01:
            assert tags[row, :words].tolist() == sequence
    assert illegal >= 15 or encoding == "BMES"


@pytest.mark.parametrize("with_ends", [False, True])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_likelihood_and_gradient_are_stock_s(with_ends, scale):
    crf, potentials = build("BIO", with_ends, scale)
    emissions = potentials.emissions.requires_grad_()
    tags = torch.randint(5, potentials.mask.shape)
    parameters = [emissions] + [p for p in crf.parameters() if p.requires_grad]
    expected = -crf(emissions, tags, potentials.mask)
    value = nll(potentials, tags).sum()
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-5)
    for found, wanted in zip(
        torch.autograd.grad(value, parameters), torch.autograd.grad(expected, parameters)
    ):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5 * scale)
