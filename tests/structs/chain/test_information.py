import pytest
import torch
from hypothesis import given, settings, strategies

from allennlp_kd.structs.chain import ChainPotentials, cross_entropy, entropy, kl_divergence
from allennlp_kd.structs.chain.forward_backward import select_algorithm
from tests.structs.chain import enumeration
from tests.structs.chain.enumeration import INFINITY, gradients, random_potentials, rebuild

LENGTHS = (3, 0, 5, 1, 2)


def pair(num_tags, scale=1.0, seed=0, **options):
    return (
        random_potentials(seed + 100, num_tags, LENGTHS, scale=scale, **options),
        random_potentials(seed + 200, num_tags, LENGTHS, scale=scale, **options),
    )


@pytest.mark.parametrize("num_tags", range(1, 5))
@pytest.mark.parametrize("with_ends", [False, True])
@pytest.mark.parametrize("scale", [0.0, 1.0, 20.0, 300.0])
def test_values_and_gradients_equal_the_enumerated_ones(num_tags, with_ends, scale):
    p, q = pair(num_tags, scale, with_ends=with_ends)
    for function, twin, sides in [
        (entropy, enumeration.entropy, (p,)),
        (cross_entropy, enumeration.cross_entropy, (p, q)),
        (kl_divergence, enumeration.kl_divergence, (p, q)),
    ]:
        value, expected = function(*sides), twin(*sides)
        torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-9)
        for found, wanted in zip(gradients(value, *sides), gradients(expected, *sides)):
            torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8 * max(scale, 1.0))


@pytest.mark.parametrize("scale", [1.0, 300.0])
@pytest.mark.parametrize("function", [cross_entropy, kl_divergence])
def test_one_side_may_be_constant(function, scale):
    p, q = pair(4, scale)
    twin = getattr(enumeration, function.__name__)
    for left, right, student in [(p.detach(), q, q), (p, q.detach(), p)]:
        value, expected = function(left, right), twin(left, right)
        torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-9)
        for found, wanted in zip(gradients(value, student), gradients(expected, student)):
            torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8 * scale)


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_gradients_against_finite_differences(scale):
    p = random_potentials(1, 3, (3, 1, 0), scale=scale, padded_value=0.0)
    q = random_potentials(2, 3, (3, 1, 0), scale=scale, padded_value=0.0)
    scores = enumeration.leaves(p, q)
    assert torch.autograd.gradcheck(lambda *s: entropy(rebuild(p, s)), scores[:4])
    for function in (cross_entropy, kl_divergence):
        assert torch.autograd.gradcheck(
            lambda *s: function(rebuild(p, s[:4]), rebuild(q, s[4:])), scores
        )


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_what_both_forbid_counts_nothing(scale):
    p = random_potentials(3, 4, LENGTHS, scale=scale, forbidden=0.4)
    other = random_potentials(4, 4, LENGTHS, scale=scale)
    pairs = zip(enumeration.leaves(p), enumeration.leaves(other))
    scores = [o.detach().masked_fill(s == -INFINITY, -INFINITY).requires_grad_() for s, o in pairs]
    q = rebuild(p, scores)
    for function, sides in [(entropy, (p,)), (cross_entropy, (p, q)), (kl_divergence, (p, q))]:
        value = function(*sides)
        expected = getattr(enumeration, function.__name__)(*(side.detach() for side in sides))
        torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-9)
        for found, score in zip(gradients(value, *sides), enumeration.leaves(*sides)):
            assert torch.isfinite(found).all()
            assert not found[score == -INFINITY].any()


@pytest.mark.parametrize("log_space", [False, True])
@pytest.mark.parametrize("cell", ["emissions", "transitions", "start", "end"])
def test_infinite_where_q_forbids_what_p_allows(log_space, cell, monkeypatch):
    if log_space:
        monkeypatch.setattr(select_algorithm, "scaling_period", lambda *_, **__: 0)
    p, q = pair(3)
    p = p.detach()
    names = ("emissions", "transitions", "start", "end")
    scores = {name: getattr(q, name).detach().clone() for name in names}
    if cell == "emissions":
        scores[cell][2, 1, 1] = -INFINITY
    elif cell == "transitions":
        scores[cell][0, 1] = -INFINITY
    else:
        scores[cell][2] = -INFINITY
    q = ChainPotentials(mask=q.mask, **scores)
    reached = {
        "emissions": [2],
        "transitions": [0, 2, 4],
        "start": [0, 2, 3, 4],
        "end": [0, 2, 3, 4],
    }
    expected = [row in reached[cell] for row in range(len(LENGTHS))]
    for side in (p, rebuild(p, [getattr(p, name).requires_grad_() for name in names])):
        assert (cross_entropy(side, q) == INFINITY).tolist() == expected
        assert (kl_divergence(side, q) == INFINITY).tolist() == expected
        assert not torch.isnan(kl_divergence(side, q)).any()
    # The other way round nothing is infinite.
    assert torch.isfinite(kl_divergence(q, p)).all()
    torch.testing.assert_close(
        kl_divergence(q, p), enumeration.kl_divergence(q, p.detach()), rtol=1e-9, atol=1e-9
    )


def test_messages_that_underflow_meet_forbidden_transitions():
    """In single precision, where p's tag 1 has no probability that could be held."""
    emissions = torch.zeros(1, 2, 2)
    emissions[..., 1] = -1000.0
    mask = torch.ones(1, 2, dtype=torch.bool)
    p = ChainPotentials(emissions, mask, torch.zeros(2, 2))
    q = ChainPotentials(torch.zeros(1, 2, 2), mask, torch.tensor([[0.0, 0.0], [-INFINITY, 0.0]]))
    torch.testing.assert_close(cross_entropy(p, q), torch.tensor([3.0]).log())
    torch.testing.assert_close(kl_divergence(p, q), torch.tensor([3.0]).log())


@settings(max_examples=30, deadline=None)
@given(
    seed=strategies.integers(0, 10**6),
    num_tags=strategies.integers(1, 4),
    scale=strategies.sampled_from([0.1, 2.0, 100.0]),
)
def test_divergence_is_never_negative_and_nothing_for_equal_distributions(seed, num_tags, scale):
    p, q = (side.detach() for side in pair(num_tags, scale, seed))
    tolerance = 1e-10 * max(scale, 1.0)
    assert (kl_divergence(p, q) >= -tolerance).all()
    assert not kl_divergence(p, p).any()
    words = p.lengths.double()
    maximum = words * torch.tensor(float(num_tags), dtype=torch.float64).log()
    assert (entropy(p) >= -tolerance).all() and (entropy(p) <= maximum + tolerance).all()
    torch.testing.assert_close(
        kl_divergence(p, q), cross_entropy(p, q) - entropy(p), rtol=1e-9, atol=10 * tolerance
    )
    # The same distribution, written otherwise: a constant at each word and a row moved into the
    # words.
    shift = torch.randn(num_tags, dtype=torch.float64)
    emissions = p.emissions + torch.randn(*p.mask.shape, 1, dtype=torch.float64)
    has_next = torch.cat([p.mask[:, 1:], p.mask[:, :1] & False], dim=1)
    emissions = emissions - shift * has_next.unsqueeze(2)
    same = ChainPotentials(emissions, p.mask, p.transitions + shift.unsqueeze(1), p.start, p.end)
    torch.testing.assert_close(
        kl_divergence(p, same),
        torch.zeros(len(LENGTHS), dtype=torch.float64),
        rtol=0,
        atol=tolerance,
    )


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_padding_is_never_read(scale):
    p, q = pair(3, scale, padding=3)
    expected = [side.emissions.detach().nan_to_num() for side in (p, q)]
    expected = [
        ChainPotentials(e[:, :5], side.mask[:, :5], side.transitions, side.start, side.end)
        for e, side in zip(expected, (p, q))
    ]
    for function in (cross_entropy, kl_divergence):
        value = function(p, q)
        assert torch.equal(value, function(*expected))
        for found in gradients(value, p, q):
            assert torch.isfinite(found).all()


def test_single_precision_with_huge_scores():
    p, q = pair(4, 1e4)
    left, right = (
        rebuild(side, [s.detach().float().requires_grad_() for s in enumeration.leaves(side)])
        for side in (p, q)
    )
    for found, expected in [
        (entropy(left), enumeration.entropy(p)),
        (cross_entropy(left, right), enumeration.cross_entropy(p, q)),
        (kl_divergence(left, right), enumeration.kl_divergence(p, q)),
    ]:
        assert (found.double() - expected).abs().max() < 11 * 1e4 * 4 * 2.4e-7
        assert all(torch.isfinite(gradient).all() for gradient in gradients(found, left, right))


@pytest.mark.parametrize("shape", [(2, 3), (0, 3), (2, 0)])
def test_batches_without_words(shape):
    p = ChainPotentials(
        torch.randn(*shape, 3), torch.zeros(shape, dtype=torch.bool), torch.randn(3, 3)
    )
    for value in (entropy(p), cross_entropy(p, p), kl_divergence(p, p)):
        assert value.tolist() == [0.0] * shape[0]


@pytest.mark.parametrize("function", [cross_entropy, kl_divergence])
def test_sides_that_do_not_match_are_refused(function):
    p = random_potentials(5, 3, (2, 1))
    with pytest.raises(ValueError, match="the same tags, found 3 and 4 of them"):
        function(p, random_potentials(5, 4, (2, 1)))
    with pytest.raises(ValueError, match=r"sentences of \[2, 1\] and \[1, 2\] words"):
        function(p, random_potentials(5, 3, (1, 2)))
    with pytest.raises(ValueError, match=r"the same mask"):
        function(p, random_potentials(5, 3, (2, 1), padding=2))
