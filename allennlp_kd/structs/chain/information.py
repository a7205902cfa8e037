"""Entropy, cross-entropy and Kullback-Leibler divergence of distributions over tag sequences."""

from torch import Tensor

from allennlp_kd.structs.chain.forward_backward.layout import Layout
from allennlp_kd.structs.chain.forward_backward.select_algorithm import messages_of
from allennlp_kd.structs.chain.likelihood import log_partition
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.execution import exact
from allennlp_kd.structs.numerics.pairs import compares

INFINITY = float("inf")


@exact
def entropy(potentials: ChainPotentials) -> Tensor:
    """H(p) = log Z - E_p[score], in nats. A sequence that p forbids contributes 0. Differentiable.

    # Parameters

    potentials : `ChainPotentials`
        With a sequence of finite score for each sentence.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for an empty sentence.

    # Raises

    ValueError
        If every sequence of a sentence is forbidden.
    """
    return cross_entropy(potentials, potentials)


@compares
def cross_entropy(p: ChainPotentials, q: ChainPotentials) -> Tensor:
    """H(p, q) = -E_p[log q(y)] = log Z_q - E_p[score_q(y)], over whole sequences, in nats.

    The mean of q's score needs p's marginals only: the score is a sum over nodes and edges. This is
    the exact objective of structural distillation (Wang et al., "Structural knowledge
    distillation", 2021) with p the teacher. Differentiable on both sides; much cheaper where p
    carries no gradient.

    # Parameters

    p, q : `ChainPotentials`
        Of the same batch; p with a sequence of finite score for each sentence.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for an empty sentence, inf where q forbids what p allows.

    # Raises

    ValueError
        If the two have other numbers of tags or other masks, or p forbids every sequence of a
        sentence.
    """
    p, q = in_full_precision(p), in_full_precision(q)
    layout = Layout(p.lengths, p.mask.shape[1])
    expected = _expected(p, layout, _scores(q, layout), q.transitions)
    return _minus_infinite(log_partition(q), expected)


@compares
def kl_divergence(p: ChainPotentials, q: ChainPotentials) -> Tensor:
    """KL(p || q) = E_p[log p(y) - log q(y)] = E_p[score_p - score_q] - log Z_p + log Z_q, in nats.

    Differentiable on both sides. Exactly 0 for equal potentials; rounding can leave it slightly
    below 0 for nearly equal ones, and it is not clamped.

    # Parameters

    p, q : `ChainPotentials`
        As for `cross_entropy`.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for an empty sentence, inf where q forbids what p allows.

    # Raises

    ValueError
        As `cross_entropy`.
    """
    p, q = in_full_precision(p), in_full_precision(q)
    layout = Layout(p.lengths, p.mask.shape[1])
    words = _difference(_scores(q, layout), _scores(p, layout))
    expected = _expected(p, layout, words, _difference(q.transitions, p.transitions))
    return _minus_infinite(log_partition(q) - log_partition(p), expected)


def _expected(p: ChainPotentials, layout: Layout, words: Tensor, transitions: Tensor) -> Tensor:
    """The mean under p of the sequence score by other scores; sequences that p forbids contribute
    0.

    # Parameters

    p : `ChainPotentials`
    layout : `Layout`
    words : `Tensor`
        Shape `(N, tags)`, start and end included.
    transitions : `Tensor`
        Shape `(tags, tags)`.

    # Returns

    `Tensor`
        Shape `(batch,)`.
    """
    if not layout.sizes:
        return words.new_zeros(p.batch_size)
    messages = messages_of(_scores(p, layout), p.transitions, layout)
    check_sequences_exist(messages.log_partition)
    at_words = layout.sum_words(messages.expected_word(words))
    return at_words + layout.sum_edges(messages.expected_transition(transitions))


def check_sequences_exist(log_partitions: Tensor) -> None:
    """
    # Raises

    ValueError
        If a sentence has no sequence that is not forbidden: there is no distribution.
    """
    impossible = log_partitions.detach() == -INFINITY
    if bool(impossible.any()):
        row = int(impossible.nonzero()[0])
        raise ValueError(f"row {row} forbids every sequence, so it has no distribution over them")


def _scores(potentials: ChainPotentials, layout: Layout) -> Tensor:
    return layout.fold(potentials.emissions, potentials.start, potentials.end)


def _difference(left: Tensor, right: Tensor) -> Tensor:
    """`left - right`, or 0 where `right` is -inf."""
    return (left - right).masked_fill(right == -INFINITY, 0.0)


def _minus_infinite(left: Tensor, right: Tensor) -> Tensor:
    """`left - right`, inf where `right` is -inf, whatever `left` is."""
    return (left - right).masked_fill(right == -INFINITY, INFINITY)
