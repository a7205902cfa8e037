"""The layout of a batch's words: consecutive, or in a padded table."""

from typing import NamedTuple

import numpy


class Layout(NamedTuple):
    """A batch of sentences whose words are consecutive.

    # Parameters

    lengths : `numpy.ndarray`
        Shape `(batch,)`, each at least 1.
    slots : `numpy.ndarray`
        Shape `(batch, length)`: the row of each word of each sentence; 0 in padding.
    places : `numpy.ndarray`
        Shape `(words,)`: the cell of each word in the flattened table `(batch * length,)`.
    """

    lengths: numpy.ndarray
    slots: numpy.ndarray
    places: numpy.ndarray

    @classmethod
    def of(cls, lengths: numpy.ndarray) -> "Layout":
        """Returns the layout for sentences of these lengths."""
        step = numpy.arange(lengths.max())
        real = step < lengths[:, None]
        starts = numpy.cumsum(lengths) - lengths
        slots = numpy.where(real, starts[:, None] + step, 0)
        return cls(lengths, slots, numpy.flatnonzero(real))
