import pytest
import torch
from hypothesis import given, settings, strategies

from allennlp_kd.structs.chain import ChainPotentials, log_partition
from allennlp_kd.structs.chain.forward_backward.layout import Layout
from allennlp_kd.structs.chain.forward_backward.log_messages import LogMessages, logsumexp
from allennlp_kd.structs.chain.forward_backward.scaled_messages import ScaledMessages
from allennlp_kd.structs.chain.forward_backward.select_algorithm import messages_of, scaling_period
from tests.structs.chain import enumeration
from tests.structs.chain.enumeration import INFINITY, gradients, random_potentials, rebuild


def prepared(potentials, dtype=None):
    layout = Layout(potentials.lengths, potentials.mask.shape[1])
    words = layout.fold(potentials.emissions, potentials.start, potentials.end)
    return words.to(dtype or words.dtype), potentials.transitions.to(dtype or words.dtype), layout


def period_of(potentials, **options):
    return scaling_period(*prepared(potentials)[:2], **options)


@pytest.mark.parametrize("num_tags", range(1, 6))
@pytest.mark.parametrize("with_ends", [False, True])
@pytest.mark.parametrize("scale", [0.0, 1.0, 20.0, 300.0])
def test_value_and_gradient_equal_the_sum_over_all_sequences(num_tags, with_ends, scale):
    potentials = random_potentials(num_tags, num_tags, scale=scale, with_ends=with_ends)
    value, expected = log_partition(potentials), enumeration.log_partition(potentials)
    torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-12)
    for found, wanted in zip(gradients(value, potentials), gradients(expected, potentials)):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(
    seed=strategies.integers(0, 10**6),
    num_tags=strategies.integers(1, 4),
    lengths=strategies.lists(strategies.integers(0, 5), min_size=1, max_size=4),
    scale=strategies.sampled_from([0.1, 3.0, 1000.0]),
    padding=strategies.integers(0, 2),
    forbidden=strategies.sampled_from([0.0, 0.3]),
)
def test_any_ragged_batch(seed, num_tags, lengths, scale, padding, forbidden):
    potentials = random_potentials(
        seed, num_tags, lengths, scale=scale, padding=padding, forbidden=forbidden
    )
    expected = enumeration.log_partition(potentials)
    torch.testing.assert_close(log_partition(potentials), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("spread, scaled", [(31.5, True), (31.9, False)])
@pytest.mark.parametrize("words_scale", [1.0, 100.0])
def test_each_side_of_the_switch_in_single_precision(spread, scaled, words_scale):
    for seed in range(5):
        exact = random_potentials(seed, 3, scale=words_scale)
        transitions = torch.rand(3, 3, dtype=torch.float64)
        transitions = (transitions - transitions.min()) / (transitions.max() - transitions.min())
        transitions = (transitions * spread).requires_grad_()
        exact = rebuild(exact, [exact.emissions, transitions, exact.start, exact.end])
        single = rebuild(
            exact, [s.detach().float().requires_grad_() for s in enumeration.leaves(exact)]
        )
        assert (period_of(single) > 0) == scaled
        value, expected = log_partition(single), enumeration.log_partition(exact)
        torch.testing.assert_close(value.double(), expected, rtol=1e-6, atol=1e-5)
        for found, wanted in zip(gradients(value, single), gradients(expected, exact)):
            torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=5e-5 * words_scale)


@pytest.mark.parametrize("spread", [0.0, 1.0, 3.5, 12.0, 30.0])
def test_scaled_messages_stay_exact_over_long_sentences_up_to_the_bound(spread):
    """Words that fight the transitions by far more than single precision can hold."""
    generator = torch.Generator().manual_seed(int(spread))
    emissions = torch.randn(4, 80, 5, generator=generator) * 500
    emissions[0] = 0.0
    emissions[1] *= 0.01
    transitions = (torch.rand(5, 5, generator=generator) > 0.5).float() * spread
    mask = torch.arange(80) < torch.tensor([80, 77, 80, 33]).unsqueeze(1)
    potentials = ChainPotentials(emissions, mask, transitions)
    words, moves, layout = prepared(potentials)
    period = scaling_period(words, moves)
    assert period == (16 if spread < 3.6 else int(63.42 / spread) - 1)
    found = ScaledMessages(words, moves, layout, period)
    exact = LogMessages(words.double(), moves.double(), layout)
    torch.testing.assert_close(
        found.log_partition.double(), exact.log_partition, rtol=1e-6, atol=1e-5
    )
    torch.testing.assert_close(found.nodes().double(), exact.nodes(), rtol=1e-4, atol=1e-5)
    weights = torch.ones(len(layout.previous))
    torch.testing.assert_close(
        found.edge_counts(weights).double(),
        exact.edge_counts(weights.double()),
        rtol=1e-4,
        atol=1e-3,
    )


def test_the_period_follows_the_documented_bound():
    words = torch.zeros(3, 2)
    for spread, expected in [(0.0, 16), (3.7, 16), (3.8, 15), (21.0, 2), (31.6, 1), (31.8, 0)]:
        transitions = torch.tensor([[0.0, spread], [0.0, 0.0]])
        assert scaling_period(words, transitions) == expected
    transitions = torch.tensor([[0.0, 10.0], [0.0, 0.0]])
    assert scaling_period(words, transitions) == 5
    assert scaling_period(words, transitions, margin=0.5) == 2
    assert scaling_period(words.double(), transitions.double()) == 16
    # Words count only where the smallest marginals must not underflow: 87.3 - 7 - 40 - log(2) =
    # 39.6.
    far = torch.tensor([[0.0, 40.0], [0.0, 0.0]])
    assert scaling_period(far, transitions) == 5
    assert scaling_period(far, transitions, precise_logarithms=True) == 2
    for wrong in (INFINITY, -INFINITY, float("nan")):
        assert scaling_period(words, torch.tensor([[0.0, wrong], [0.0, 0.0]])) == 0


@pytest.mark.parametrize(
    "second_word, space",
    [
        ([0.0, 0.0], ScaledMessages),
        # One tag of a word may be forbidden, not all.
        ([0.0, -INFINITY], ScaledMessages),
        ([-INFINITY, -INFINITY], LogMessages),
        ([0.0, INFINITY], LogMessages),
        ([0.0, float("nan")], LogMessages),
    ],
)
def test_words_that_leave_no_number_are_left_to_log_space(second_word, space):
    words = torch.tensor([[0.0, 1.0], second_word])
    assert isinstance(messages_of(words, torch.zeros(2, 2), Layout(torch.tensor([2]), 2)), space)


@pytest.mark.parametrize("scale", [1.0, 300.0])
@pytest.mark.parametrize("with_ends", [False, True])
def test_gradients_against_finite_differences(scale, with_ends):
    potentials = random_potentials(
        5, 3, (2, 0, 4, 1), with_ends=with_ends, scale=scale, padded_value=0.0
    )
    assert (period_of(potentials, margin=0.5) > 0) == (scale == 1.0)

    def function(*scores):
        return log_partition(rebuild(potentials, scores))

    assert torch.autograd.gradcheck(function, enumeration.leaves(potentials))
    assert torch.autograd.gradgradcheck(function, enumeration.leaves(potentials))


@pytest.mark.parametrize("scale", [1.0, 300.0])
@pytest.mark.parametrize("padded_value", [float("nan"), 1e30, -INFINITY])
def test_padding_is_never_read(scale, padded_value):
    found = random_potentials(6, 4, scale=scale, padding=3, padded_value=padded_value)
    plain = ChainPotentials(
        found.emissions.detach()[:, :6]
        .masked_fill(~found.mask[:, :6].unsqueeze(2), 0.0)
        .requires_grad_(),
        found.mask[:, :6],
        *(s.detach().requires_grad_() for s in (found.transitions, found.start, found.end)),
    )
    value, expected = log_partition(found), log_partition(plain)
    assert torch.equal(value, expected)
    by_emissions, *others = gradients(value, found)
    for left, right in zip([by_emissions[:, :6], *others], gradients(expected, plain)):
        assert torch.equal(left, right)
    assert not by_emissions[~found.mask].any()


@pytest.mark.parametrize("forbidden", [0.0, 0.4])
def test_huge_scores_in_single_precision(forbidden):
    for seed in range(10):
        exact = random_potentials(seed, 4, scale=1e4, forbidden=forbidden)
        single = rebuild(
            exact, [s.detach().float().requires_grad_() for s in enumeration.leaves(exact)]
        )
        value, expected = log_partition(single), enumeration.log_partition(exact)
        # Relative to the largest score of a cell, for up to 13 of them in a sum.
        assert (value.double() - expected).abs().max() < 13 * 1e4 * 4 * 1.2e-7
        for found, wanted in zip(gradients(value, single), gradients(log_partition(exact), exact)):
            assert torch.isfinite(found).all()
            torch.testing.assert_close(found.double(), wanted, rtol=0, atol=0.02)


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_forbidden_cells(scale):
    potentials = random_potentials(7, 4, scale=scale, forbidden=0.4)
    value, expected = log_partition(potentials), enumeration.log_partition(potentials)
    torch.testing.assert_close(value, expected, rtol=1e-12, atol=1e-12)
    found = gradients(value, potentials)
    for gradient, score in zip(found, enumeration.leaves(potentials)):
        assert torch.isfinite(gradient).all()
        assert not gradient[score == -INFINITY].any()
    emissions, transitions, start, end = found
    weights = torch.linspace(0.5, 2.0, 7, dtype=torch.float64)
    # One tag for each word, one first tag for each sentence: the expected counts.
    words = potentials.mask.sum(1).double()
    torch.testing.assert_close(emissions.sum(), (weights * words).sum())
    torch.testing.assert_close(start.sum(), (weights * (words > 0)).sum())


def test_a_sentence_that_nothing_can_pass():
    emissions = torch.zeros(2, 3, 2)
    emissions[0, 1] = -INFINITY
    potentials = ChainPotentials(
        emissions.requires_grad_(),
        torch.ones(2, 3, dtype=torch.bool),
        torch.zeros(2, 2).requires_grad_(),
    )
    value = log_partition(potentials)
    assert value[0] == -INFINITY
    assert value[1].item() == pytest.approx(3 * 0.6931472, rel=1e-6)
    by_emissions, by_transitions = gradients(value, potentials)
    assert not by_emissions[0].any() and torch.isfinite(by_transitions).all()


def test_nan_in_a_word_is_not_hidden():
    potentials = random_potentials(8, 3, (3, 2), dtype=torch.float32)
    emissions = potentials.emissions.detach().clone()
    emissions[0, 1, 2] = float("nan")
    value = log_partition(rebuild(potentials, [emissions, potentials.transitions]))
    assert torch.isnan(value[0]) and torch.isfinite(value[1])


@pytest.mark.parametrize("shape", [(2, 3), (0, 3), (2, 0), (0, 0)])
def test_batches_without_words(shape):
    emissions = torch.randn(*shape, 3, requires_grad=True)
    transitions = torch.randn(3, 3, requires_grad=True)
    value = log_partition(
        ChainPotentials(emissions, torch.zeros(shape, dtype=torch.bool), transitions)
    )
    assert value.tolist() == [0.0] * shape[0]
    value.sum().backward()
    assert transitions.grad is None or not transitions.grad.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_raised(dtype):
    potentials = random_potentials(9, 3, dtype=dtype)
    value = log_partition(potentials)
    assert value.dtype == torch.float32
    raised = rebuild(potentials, [score.float() for score in enumeration.leaves(potentials)])
    assert torch.equal(value, log_partition(raised))
    value.sum().backward()
    assert potentials.emissions.grad.dtype == dtype


def test_autocast_does_not_reach_the_recursion():
    potentials = random_potentials(10, 3, dtype=torch.float32)
    expected = log_partition(potentials)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = log_partition(potentials)
    assert torch.equal(value, expected)


def test_only_what_needs_a_gradient_gets_one():
    potentials = random_potentials(11, 3, requires_grad=False)
    transitions = potentials.transitions.clone().requires_grad_()
    value = log_partition(rebuild(potentials, [potentials.emissions, transitions]))
    (found,) = torch.autograd.grad(value.sum(), [transitions])
    # As many expected moves as there are edges.
    torch.testing.assert_close(
        found.sum().item(), float((potentials.lengths - 1).clamp(min=0).sum())
    )


def test_logsumexp_of_nothing_has_no_gradient():
    values = torch.tensor([[-INFINITY, -INFINITY], [1.0, 2.0]], requires_grad=True)
    found = logsumexp(values)
    assert found[0] == -INFINITY
    torch.testing.assert_close(found[1], values[1].logsumexp(0))
    found.sum().backward()
    torch.testing.assert_close(values.grad, torch.tensor([[0.0, 0.0], [0.2689414, 0.7310586]]))
