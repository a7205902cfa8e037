"""The interface of forward and backward messages."""

from typing import Optional, Tuple

from torch import Tensor

from allennlp_kd.structs.chain.forward_backward.layout import Layout


class Messages:
    """The forward and backward messages of a batch of chains, and the quantities derived from them.

    With a[i] the forward message at word i (all that lies up to and at i), b[i] the backward
    message (all that lies after i) and g[i] what word i hands back to the word before it,
    normalized so that

        p(y_i = j) = a[i, j] * b[i, j]
        p(y_{i-1} = k, y_i = j) = a[i-1, k] * exp(transitions[k, j]) * g[i, j].

    Rabiner, "A tutorial on hidden Markov models" (1989), section V.A, has the scaling. All tensors
    are in the order of `Layout`: `N` words, `S` sentences, `N - S` edges. The operations are
    torch's own and none works in place on what autograd keeps, so that gradients flow through the
    messages where enabled.

    # Parameters

    words : `Tensor`
        Shape `(N, tags)`, the emissions with start and end added, from `Layout.fold`; at least one
        word.
    transitions : `Tensor`
        Shape `(tags, tags)`.
    layout : `Layout`
    """

    log_partition: Tensor
    """Shape `(batch,)`, 0 for empty sentences."""

    def __init__(self, words: Tensor, transitions: Tensor, layout: Layout) -> None:
        self.words = words
        self.transitions = transitions
        self.layout = layout
        self._backward: Optional[Tuple[Tensor, Tensor]] = None

    @property
    def backward(self) -> Tuple[Tensor, Tensor]:
        """Computes b of shape `(N, tags)` and g of shape `(N - S, tags)`.

        Computed when first asked for: the partition function does not need them.
        """
        if self._backward is None:
            self._backward = self._run_backward()
        return self._backward

    def _run_backward(self) -> Tuple[Tensor, Tensor]:
        raise NotImplementedError

    def nodes(self) -> Tensor:
        """The probability of each tag of each word, shape `(N, tags)`."""
        raise NotImplementedError

    def log_nodes(self) -> Tensor:
        """The log probability of each tag of each word, shape `(N, tags)`."""
        raise NotImplementedError

    def log_edges(self) -> Tensor:
        """The log-probability of each edge's pairs `[from, to]`, shape `(N - S, tags, tags)`."""
        raise NotImplementedError

    def edge_counts(self, weights: Tensor) -> Tensor:
        """The expected count of each tag pair over the batch, each edge counted `weights` times.

        # Parameters

        weights : `Tensor`
            Shape `(N - S,)`.

        # Returns

        `Tensor`
            Shape `(tags, tags)`.
        """
        raise NotImplementedError

    def expected_transition(self, scores: Tensor) -> Tensor:
        """The mean of `scores` under each edge's distribution; pairs with probability 0 contribute
        0.

        # Parameters

        scores : `Tensor`
            Shape `(tags, tags)`; infinite cells must all have the same sign.

        # Returns

        `Tensor`
            Shape `(N - S,)`.
        """
        raise NotImplementedError

    def expected_word(self, scores: Tensor) -> Tensor:
        """The mean of `scores` under each word's distribution, shape `(N, tags)`; probability 0
        contributes 0.

        # Returns

        `Tensor`
            Shape `(N,)`.
        """
        return expectation(self.nodes(), scores).sum(dim=1)


def expectation(probabilities: Tensor, values: Tensor) -> Tensor:
    """`probabilities * values`, with 0 for probability 0 even if the value is infinite."""
    return probabilities * values.masked_fill(probabilities == 0, 0.0)
