"""The scores of every sub-structure of a batch of dependency trees."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Iterator, Optional, Sequence, Union

import torch
from torch import Tensor

from allennlp_kd.structs.numerics.execution import raised
from allennlp_kd.structs.numerics.graph_cache import Masked, cached_graph_property
from allennlp_kd.structs.tree.labels.factored_labels import FactoredLabels
from allennlp_kd.structs.tree.labels.label_groups import LabelGroups, scores_of


@dataclass(frozen=True)
class TreePotentials:
    """The scores of all arcs and their labels in a batch, before normalization.

    Words are numbered from 0 as dependents and from 1 as heads, where 0 is ROOT: the arc into
    word d (from 0) has the head h in 0 .. length, and h = d + 1 would be the word itself. Cells
    that are not arcs (that diagonal, and all that touch padding) may hold anything; read
    `arc_scores`, in which they are -inf. A tree with heads h and labels l has the score

        sum_d arcs[d, h_d] + log softmax(labels[d, h_d])[l_d]:

    labels are normalized arc by arc (Dozat and Manning, 2017), so they move no probability
    between trees. A score of -inf forbids what it scores. A sentence of length 0 has one (empty)
    tree, of score 0.

    # Parameters

    arcs : `Tensor`
        Shape `(batch, length, length + 1)`, floating point, indexed `[dependent, head]`.
    mask : `Tensor`
        Shape `(batch, length)`, boolean, `True` at words; each row is a run of `True` then of
        `False`.
    labels : `Tensor` or `FactoredLabels`, optional (default = `None`)
        Shape `(batch, length, length + 1, labels)`, or factors of it. `None`: the arcs have no
        labels.

    # Raises

    ValueError
        If a shape, a type or the form of the mask is not as above; the message names it.
    """

    arcs: Tensor
    mask: Tensor
    labels: Optional[Union[Tensor, FactoredLabels]] = None

    def __post_init__(self) -> None:
        shape = tuple(self.arcs.shape)
        if len(shape) != 3 or shape[2] != shape[1] + 1 or not self.arcs.is_floating_point():
            raise ValueError(
                "arcs must be floating point of shape (batch, length, length + 1), "
                f"found {self.arcs.dtype} of shape {shape}"
            )
        if self.mask.dtype != torch.bool or tuple(self.mask.shape) != shape[:2]:
            raise ValueError(
                f"mask must be boolean of shape {shape[:2]}, "
                f"found {self.mask.dtype} of shape {tuple(self.mask.shape)}"
            )
        gaps = self.mask[:, 1:] & ~self.mask[:, :-1]
        if bool(gaps.any()):
            row = int(gaps.any(dim=1).nonzero()[0])
            raise ValueError(
                f"mask must be words followed by padding; row {row} is "
                f"{self.mask[row].int().tolist()}"
            )
        if isinstance(self.labels, FactoredLabels):
            found = tuple(self.labels.dependent.shape[:2])
            if found != shape[:2]:
                raise ValueError(f"labels must be factors of {shape[:2]} words, found {found}")
        elif self.labels is not None:
            found = tuple(self.labels.shape)
            if found[:3] != shape or len(found) != 4 or not self.labels.is_floating_point():
                raise ValueError(
                    f"labels must be floating point of shape {shape + ('labels',)}, "
                    f"found {self.labels.dtype} of shape {found}"
                )
        if self.labels is not None and self.num_labels == 0:
            raise ValueError("labels must have at least one label, found 0")

    @property
    def batch_size(self) -> int:
        return self.arcs.shape[0]

    @property
    def max_length(self) -> int:
        return self.arcs.shape[1]

    @property
    def num_labels(self) -> int:
        """The number of labels; 0 if the arcs have none."""
        if isinstance(self.labels, FactoredLabels):
            return self.labels.num_labels
        return 0 if self.labels is None else self.labels.shape[3]

    @cached_property
    def lengths(self) -> Tensor:
        """The number of words of each sentence, shape `(batch,)`."""
        return self.mask.sum(dim=1)

    @cached_property
    def arc_mask(self) -> Tensor:
        """Marks the cells that are arcs, shape `(batch, length, length + 1)`, boolean."""
        heads = torch.nn.functional.pad(self.mask, (1, 0), value=True)
        itself = torch.eye(self.max_length, dtype=torch.bool, device=self.mask.device)
        itself = torch.nn.functional.pad(itself, (1, 0), value=False)
        return self.mask.unsqueeze(2) & heads.unsqueeze(1) & ~itself

    @property
    def requires_grad(self) -> bool:
        """Whether one of the scores requires a gradient."""
        return any(tensor.requires_grad for tensor in self.tensors())

    @cached_graph_property
    def arc_scores(self) -> Tensor:
        """`arcs` in at least float32, with -inf in all cells that are not arcs."""
        found: Tensor = Masked.apply(raised(self.arcs), self.arc_mask, float("-inf"))
        return found

    @cached_graph_property
    def label_parts(self) -> Union[Tensor, FactoredLabels]:
        """`labels` with padding removed, so that no NaN in it reaches a gradient.

        Scores are in float32 at least; factors are as they were given.
        """
        if self.labels is None:
            raise ValueError("these potentials have no label scores")
        if isinstance(self.labels, FactoredLabels):
            return self.labels.without_padding(self.mask)
        found: Tensor = Masked.apply(raised(self.labels), self.arc_mask.unsqueeze(3), 0.0)
        return found

    @cached_graph_property
    def label_groups(self) -> LabelGroups:
        """`label_parts` grouped by sentence length, for functions of all label scores."""
        return LabelGroups(self.label_parts, self.mask)

    def label_scores(self, first: int = 0, last: Optional[int] = None) -> Tensor:
        """Returns the scores of all labels on all arcs into the words `first` (inclusive) to `last`
        (exclusive).

        # Returns

        `Tensor`
            Shape `(batch, last - first, length + 1, labels)`. What stands in cells that
            are not arcs is not NaN and means nothing.
        """
        return scores_of(self.label_parts, first, last)

    def label_scores_of(self, heads: Tensor) -> Tensor:
        """Returns the scores of all labels on one arc into each word, without computing other arcs.

        # Parameters

        heads : `Tensor`
            Shape `(batch, length)`, integer.

        # Returns

        `Tensor`
            Shape `(batch, length, labels)`.
        """
        if isinstance(self.label_parts, FactoredLabels):
            return self.label_groups.of_heads(heads.masked_fill(~self.mask, 0))
        index = heads[:, :, None, None].expand(-1, -1, 1, self.num_labels)
        return self.label_parts.gather(2, index).squeeze(2)

    def without_labels(self) -> "TreePotentials":
        """Returns the potentials without label scores."""
        return self if self.labels is None else replace(self, labels=None)

    def tempered(self, temperature: float) -> "TreePotentials":
        """Divides all scores by `temperature`, which tempers the distribution over whole trees."""
        if not temperature > 0:
            raise ValueError(f"temperature must be greater than 0, found {temperature}")
        if temperature == 1:
            return self
        labels = self.labels
        if isinstance(labels, FactoredLabels):
            labels = labels.divided_by(temperature)
        elif labels is not None:
            labels = raised(labels) / temperature
        return replace(self, arcs=raised(self.arcs) / temperature, labels=labels)

    def select_labels(self, labels: Sequence[int]) -> "TreePotentials":
        """Returns the potentials over only these labels, in this order."""
        if self.labels is None:
            raise ValueError(
                f"these potentials have no label scores, so labels {list(labels)} cannot be "
                "selected"
            )
        if isinstance(self.labels, FactoredLabels):
            return replace(self, labels=self.labels.select_labels(labels))
        index = torch.as_tensor(labels, dtype=torch.long, device=self.arcs.device)
        return replace(self, labels=self.labels[..., index])

    select_tags = select_labels
    """The same method name as for chains."""

    def spread_labels(self, labels: Sequence[int], size: int) -> "TreePotentials":
        """The inverse of `select_labels`: extends to `size` labels, of which the new ones are
        forbidden.
        """
        if self.labels is None or list(labels) == list(range(size)):
            return self
        if isinstance(self.labels, FactoredLabels):
            return replace(self, labels=self.labels.spread_labels(labels, size))
        index = torch.as_tensor(labels, dtype=torch.long, device=self.arcs.device)
        spread = self.labels.new_full(tuple(self.arcs.shape) + (size,), float("-inf"))
        return replace(self, labels=spread.index_copy(3, index, self.labels))

    def select_rows(self, rows: Tensor) -> "TreePotentials":
        """Returns the potentials of these sentences, `rows` of shape `(selected,)`."""
        labels = self.labels
        if isinstance(labels, FactoredLabels):
            labels = labels.select_rows(rows)
        elif labels is not None:
            labels = labels[rows]
        return replace(self, arcs=self.arcs[rows], mask=self.mask[rows], labels=labels)

    def first_words(self, length: int) -> "TreePotentials":
        """Removes the columns after the first `length` words."""
        if length == self.max_length:
            return self
        labels = self.labels
        if isinstance(labels, FactoredLabels):
            labels = labels.first_words(length)
        elif labels is not None:
            labels = labels[:, :length, : length + 1]
        arcs = self.arcs[:, :length, : length + 1]
        return replace(self, arcs=arcs, mask=self.mask[:, :length], labels=labels)

    def select_words(self, words: Tensor, mask: Tensor) -> "TreePotentials":
        """The arcs between these words of each sentence, and from ROOT to them.

        # Parameters

        words : `Tensor`
            Shape `(batch, selected)`, words from 0. Padded cells may hold any word.
        mask : `Tensor`
            Shape `(batch, selected)`, boolean, a run of `True` then of `False`.
        """
        heads = torch.nn.functional.pad(words + 1, (1, 0))
        row = torch.arange(len(words), device=words.device).view(-1, 1, 1)
        cells = row, words.unsqueeze(2), heads.unsqueeze(1)
        labels = self.labels
        if isinstance(labels, FactoredLabels):
            labels = labels.select_words(words, heads)
        elif labels is not None:
            labels = labels[cells]
        return TreePotentials(self.arcs[cells], mask, labels)

    def tensors(self) -> Iterator[Tensor]:
        """All score tensors, as they were given."""
        yield self.arcs
        if isinstance(self.labels, FactoredLabels):
            yield from (
                self.labels.head,
                self.labels.dependent,
                self.labels.weight,
                self.labels.bias,
            )
        elif self.labels is not None:
            yield self.labels

    def detach(self) -> "TreePotentials":
        """Detaches the scores from the autograd graph."""
        labels = None if self.labels is None else self.labels.detach()
        return replace(self, arcs=self.arcs.detach(), labels=labels)
