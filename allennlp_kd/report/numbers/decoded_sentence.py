"""A sentence with the decisions of a model."""

from dataclasses import dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class DecodedSentence:
    """The decisions of a model (or of the annotators) for each word.

    # Parameters

    labels : `Tuple[str, ...]`
        The words' tags (chain), or the labels of the arcs into them (tree).
    heads : `Tuple[int, ...]`, optional
        Of trees: 0 is ROOT, words are numbered from 1.
    confidence : `Tuple[float, ...]`, optional
        The probability that the model gives to each decision; annotation has none.
    """

    labels: Tuple[str, ...]
    heads: Optional[Tuple[int, ...]] = None
    confidence: Optional[Tuple[float, ...]] = None

    def differing(self, other: "DecodedSentence") -> Tuple[int, ...]:
        """Returns the words (from 0) on which the two decisions differ."""
        return tuple(
            word
            for word, label in enumerate(self.labels)
            if label != other.labels[word]
            or (self.heads is not None and self.heads[word] != other.heads[word])
        )
