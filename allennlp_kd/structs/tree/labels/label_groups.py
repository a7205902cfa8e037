"""Groups sentences by length, to reduce padding in label scores."""

from typing import List, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor
from torch.nn.functional import pad

from allennlp_kd.structs.numerics.graph_cache import in_order
from allennlp_kd.structs.tree.labels.factored_labels import FactoredLabels

Labels = Union[Tensor, FactoredLabels]

LEAST_SHARE = {"cpu": 0.9, "cuda": 0.5}
"""The least length in a group, as a share of its longest sentence. It is lower on a GPU, where padding costs less than
the kernels of another group."""


class LabelGroups:
    """Groups of sentences with similar lengths, each padded to its longest sentence.

    A sentence of n words has n (n + 1) arcs, so of a batch that a shuffle brings together most cells
    are padding: of 32 sentences of a treebank five in six.

    # Parameters

    labels : `Tensor` or `FactoredLabels`
        As those of `TreePotentials`, without NaN in padding.
    mask : `Tensor`
        Shape `(batch, length)`.
    """

    def __init__(self, labels: Labels, mask: Tensor) -> None:
        self._length = mask.shape[1]
        lengths = mask.sum(dim=1).tolist()
        rows = by_length(lengths, LEAST_SHARE["cuda" if mask.is_cuda else "cpu"])
        self.rows = [rows for rows, _ in rows]
        self.widths = [width for _, width in rows]
        self._order: Optional[Tensor] = None
        if len(rows) == 1:
            self.parts = [_narrowed(labels, self.widths[0])]
            return
        flat = [row for part in self.rows for row in part]
        self._order = torch.tensor(flat, device=mask.device)
        if isinstance(labels, FactoredLabels):
            sizes = [len(part) for part in self.rows]
            parts: Sequence[Labels] = labels.split_rows(self._order, sizes)
        else:
            parts = self.split(labels)
        self.parts = [_narrowed(part, width) for part, width in zip(parts, self.widths)]

    def split(self, values: Tensor) -> Sequence[Tensor]:
        """Splits a tensor whose first axis is the batch into the rows of each group."""
        if self._order is None:
            return [values]
        return in_order(values, self._order).split([len(rows) for rows in self.rows])

    def of_heads(self, heads: Tensor) -> Tensor:
        """Like `FactoredLabels.of_heads`, for factors; `heads` must also be valid in padding."""
        factors = [part for part in self.parts if isinstance(part, FactoredLabels)]
        # A head outside the sentence may be outside its group.
        return self.join(
            [
                part.of_heads(rows[:, : part.length].clamp(max=part.length))
                for part, rows in zip(factors, self.split(heads))
            ]
        )

    def join(self, found: Sequence[Tensor], arcs: bool = False) -> Tensor:
        """The inverse of `split`, with zeros where the groups have no cells.

        # Parameters

        found : `Sequence[Tensor]`
            Of each group, of shape `(sentences, width, ...)`, or `(sentences, width, width + 1)`.
        arcs : `bool`, optional (default = `False`)
            Whether it is the latter, where heads are left out too.

        # Returns

        `Tensor`
            Shape `(batch, length, ...)`, or `(batch, length, length + 1)`.
        """
        wide = []
        for values, width in zip(found, self.widths):
            missing = self._length - width
            wide.append(pad(values, (0, missing if arcs else 0, 0, missing)))
        if self._order is None:
            return wide[0]
        return torch.cat(wide).index_select(0, torch.argsort(self._order))


def by_length(lengths: Sequence[int], least_share: float) -> List[Tuple[List[int], int]]:
    """Groups rows by length, and returns the greatest length in each group.

    A row joins the next longer one's group down to `least_share` of the longest there, less 4:
    for short sentences, another group costs more than the padding it saves.
    """
    groups: List[Tuple[List[int], int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if groups and lengths[row] + 4 >= least_share * groups[-1][1]:
            groups[-1][0].append(row)
        else:
            groups.append(([row], lengths[row]))
    return groups or [([], 0)]


def _narrowed(labels: Labels, width: int) -> Labels:
    if isinstance(labels, FactoredLabels):
        return labels if labels.length == width else labels.first_words(width)
    return labels[:, :width, : width + 1]


def scores_of(labels: Labels, first: int = 0, last: Optional[int] = None) -> Tensor:
    """Returns the scores of all arcs into the dependents `first` (inclusive) to `last` (exclusive)."""
    if isinstance(labels, FactoredLabels):
        return labels.of_all(first, last)
    return labels[:, first:last]


def scores_shape(labels: Labels) -> Tuple[int, int, int, int]:
    """The shape of all scores: `(batch, length, length + 1, labels)`."""
    if isinstance(labels, FactoredLabels):
        batch, length, _ = labels.dependent.shape
        return batch, length, length + 1, labels.num_labels
    batch, length, heads, number = labels.shape
    return batch, length, heads, number
