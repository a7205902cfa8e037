"""The layout of a batch's words in a graph: consecutive, or in a padded table."""

from typing import NamedTuple

from spacy_bridge.packaging.networks.graph import Graph


class BatchLayout(NamedTuple):
    """The names of the inputs with the positions of words. See
    `spacy_bridge.runtime.networks.layout.Layout`.

    # Parameters

    slots : `str`
        Shape (batch, length), int64.
    places : `str`
        Shape (words,), int64.
    lengths : `str`
        Shape (batch,), int32.
    """

    slots: str
    places: str
    lengths: str

    @classmethod
    def add(cls, graph: Graph) -> "BatchLayout":
        """Adds the inputs to a graph."""
        return cls(
            graph.input("slots", "int64", ["batch", "length"]),
            graph.input("places", "int64", ["words"]),
            graph.input("lengths", "int32", ["batch"]),
        )

    def pad(self, graph: Graph, value: str) -> str:
        """Converts (words, size) to (batch, length, size); padding may contain any value."""
        return graph.add("Gather", [value, self.slots], axis=0)

    def pack(self, graph: Graph, value: str, size: int) -> str:
        """Converts (batch, length, size) to (words, size)."""
        return graph.add("Gather", [graph.reshape(value, -1, size), self.places], axis=0)
