"""What the forward and backward recursions over a chain have in common, whatever space they work in."""
from typing import List, Optional, Tuple

from torch import Tensor

from allennlp_kd.structs.chain.layout import Layout


class Messages:
    """The forward and backward messages of a batch of chains, and the marginals that follow from them.

    With a[i] the forward message at word i (all that lies up to and at i), b[i] the backward message (all
    that lies after i) and g[i] what word i hands back to the word before it, normalised so that

        p(y_i = j) = a[i, j] * b[i, j],      p(y_{i-1} = k, y_i = j) = a[i-1, k] * exp(transitions[k, j]) * g[i, j].

    Rabiner, "A tutorial on hidden Markov models" (1989), section V.A, has the scaling. All tensors are in
    the order of `Layout`: `N` words, `S` sentences, `N - S` edges. The operations are torch's own and none
    works in place, so that gradients flow through the messages where they are enabled.

    # Parameters

    emissions : `Tensor`
        Shape `(N, tags)`.
    transitions : `Tensor`
        Shape `(tags, tags)`.
    start, end : `Tensor`
        Shape `(tags,)`.
    layout : `Layout`
        Where the words lie; at least one.
    """

    def __init__(
        self, emissions: Tensor, transitions: Tensor, start: Tensor, end: Tensor, layout: Layout
    ) -> None:
        self.emissions = emissions
        self.transitions = transitions
        self.start = start
        self.end = end
        self.layout = layout
        self._handed_back: Optional[Tuple[Tensor, Tensor]] = None

    @property
    def log_partition(self) -> Tensor:
        """Shape `(batch,)`, 0 for empty sentences."""
        raise NotImplementedError

    def _run_backward(self) -> Tuple[Tensor, Tensor]:
        """The backward messages b, shape `(N, tags)`, and g, shape `(N - S, tags)`."""
        raise NotImplementedError

    @property
    def backward(self) -> Tuple[Tensor, Tensor]:
        """b and g, computed when first asked for: the partition function alone does not need them."""
        if self._handed_back is None:
            self._handed_back = self._run_backward()
        return self._handed_back

    def nodes(self) -> Tensor:
        """The probability of each tag of each word, shape `(N, tags)`."""
        raise NotImplementedError

    def log_nodes(self) -> Tensor:
        """Their logarithms, shape `(N, tags)`."""
        raise NotImplementedError

    def log_edges(self) -> Tensor:
        """The log-probability of each pair `[from, to]` of neighbouring tags, shape `(N - S, tags, tags)`."""
        raise NotImplementedError

    def edge_counts(self, weights: Tensor) -> Tensor:
        """How often each pair is expected over the batch, each edge counted `weights` times.

        # Parameters

        weights : `Tensor`
            Shape `(N - S,)`.

        # Returns

        `Tensor`
            Shape `(tags, tags)`.
        """
        raise NotImplementedError

    def expected_transition(self, scores: Tensor) -> Tensor:
        """The mean over each edge's distribution of `scores`, shape `(tags, tags)`, where `0 * inf` is 0.

        # Returns

        `Tensor`
            Shape `(N - S,)`.
        """
        raise NotImplementedError

    def _running(self, packed: Tensor) -> List[Tensor]:
        """`packed` of shape `(N, tags)`, cut into positions."""
        return list(packed.split(self.layout.sizes))


def expectation(probabilities: Tensor, values: Tensor) -> Tensor:
    """`probabilities * values` where the impossible counts nothing, even where its value is infinite."""
    return probabilities * values.masked_fill(probabilities == 0, 0.0)
