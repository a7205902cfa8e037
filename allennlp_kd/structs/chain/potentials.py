"""The scores of every sub-structure of a batch of linear chains."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Optional, Sequence

import torch
from torch import Tensor

from allennlp_kd.structs.numerics.execution import raised


@dataclass(frozen=True)
class ChainPotentials:
    """The scores of all edges (y[i-1], y[i]) and nodes y[i] of a batch, before normalization.

    A tag sequence y of length n has the score

        start[y_1] + sum_i emissions[i, y_i] + sum_{i>1} transitions[y_{i-1}, y_i] + end[y_n].

    A score of -inf forbids what it scores. A sentence of length 0 has one (empty) sequence, of
    score 0.

    # Parameters

    emissions : `Tensor`
        Shape `(batch, length, tags)`, floating point. What stands in padded cells is never read.
    mask : `Tensor`
        Shape `(batch, length)`, boolean, `True` at words; each row is a run of `True` then of
        `False`.
    transitions : `Tensor`
        Shape `(tags, tags)`, indexed `[from, to]`, shared by all positions.
    start, end : `Tensor`, optional (default = zeros)
        Shape `(tags,)`, the scores of the first and the last tag of a sequence.
    marginals : `Tensor`, optional (default = `None`)
        Shape `(batch, length, tags)`, the probability of each tag of each word, computed once from
        these scores as they were before any temperature; see `with_marginals`. Carried along, never
        computed with here. For selected tags they are renormalized for each word.

    # Raises

    ValueError
        If a shape, a type or the form of the mask is not as above; the message names it.
    """

    emissions: Tensor
    mask: Tensor
    transitions: Tensor
    start: Tensor = None  # type: ignore[assignment]  # never None once made
    end: Tensor = None  # type: ignore[assignment]
    marginals: Optional[Tensor] = None

    def __post_init__(self) -> None:
        for name in ("emissions", "mask", "transitions"):
            if not isinstance(getattr(self, name), Tensor):
                raise ValueError(
                    f"{name} must be a tensor, found {type(getattr(self, name)).__name__}"
                )
        if self.emissions.dim() != 3 or not self.emissions.is_floating_point():
            raise ValueError(
                "emissions must be floating point of shape (batch, length, tags), "
                f"found {self.emissions.dtype} of shape {tuple(self.emissions.shape)}"
            )
        batch, length, tags = self.emissions.shape
        if tags == 0:
            raise ValueError("emissions must have at least one tag, found 0")
        for name, shape in (("start", (tags,)), ("end", (tags,)), ("transitions", (tags, tags))):
            scores = getattr(self, name)
            if scores is None:
                object.__setattr__(self, name, self.emissions.new_zeros(shape))
            elif tuple(scores.shape) != shape:
                raise ValueError(
                    f"{name} must have the shape {shape} for {tags} tags, "
                    f"found {tuple(scores.shape)}"
                )
            elif not scores.is_floating_point():
                raise ValueError(f"{name} must be floating point, found {scores.dtype}")
        if self.marginals is not None and self.marginals.shape != self.emissions.shape:
            raise ValueError(
                f"marginals must have the shape {(batch, length, tags)} of the emissions, "
                f"found {tuple(self.marginals.shape)}"
            )
        if self.mask.dtype != torch.bool or tuple(self.mask.shape) != (batch, length):
            raise ValueError(
                f"mask must be boolean of shape {(batch, length)}, "
                f"found {self.mask.dtype} of shape {tuple(self.mask.shape)}"
            )
        gaps = self.mask[:, 1:] > self.mask[:, :-1]
        if bool(gaps.any()):
            row = int(gaps.any(dim=1).nonzero()[0])
            raise ValueError(
                f"mask must be words followed by padding; row {row} is "
                f"{self.mask[row].int().tolist()}"
            )

    @property
    def batch_size(self) -> int:
        return self.emissions.shape[0]

    @property
    def num_tags(self) -> int:
        return self.emissions.shape[2]

    @cached_property
    def lengths(self) -> Tensor:
        """The number of words of each sentence, shape `(batch,)`."""
        return self.mask.sum(dim=1)

    def tempered(self, temperature: float) -> "ChainPotentials":
        """Divides all scores by `temperature`, which tempers the distribution over whole sequences."""
        if not temperature > 0:
            raise ValueError(f"temperature must be greater than 0, found {temperature}")
        if temperature == 1:
            return self
        return replace(
            self,
            emissions=raised(self.emissions) / temperature,
            transitions=raised(self.transitions) / temperature,
            start=raised(self.start) / temperature,
            end=raised(self.end) / temperature,
        )

    def select_tags(self, tags: Sequence[int]) -> "ChainPotentials":
        """Returns the potentials of only these tags, in this order (a permutation reorders them)."""
        index = torch.as_tensor(tags, dtype=torch.long, device=self.emissions.device)
        return replace(
            self,
            emissions=self.emissions[..., index],
            transitions=self.transitions[index][:, index],
            start=self.start[index],
            end=self.end[index],
            marginals=None if self.marginals is None else _renormalized(self.marginals[..., index]),
        )

    def select_rows(self, rows: Tensor) -> "ChainPotentials":
        """Returns the potentials of these sentences, `rows` of shape `(selected,)`."""
        marginals = None if self.marginals is None else self.marginals[rows]
        return replace(
            self, emissions=self.emissions[rows], mask=self.mask[rows], marginals=marginals
        )

    def first_words(self, length: int) -> "ChainPotentials":
        """Removes the columns after the first `length` words."""
        if length == self.mask.shape[1]:
            return self
        marginals = None if self.marginals is None else self.marginals[:, :length]
        return replace(
            self,
            emissions=self.emissions[:, :length],
            mask=self.mask[:, :length],
            marginals=marginals,
        )

    def segments(
        self, rows: Tensor, words: Tensor, mask: Tensor, start: bool = True, end: bool = True
    ) -> "ChainPotentials":
        """The potentials of segments of these chains, each a chain of its own.

        # Parameters

        rows : `Tensor`
            Shape `(segments,)`, the sentence of each segment.
        words : `Tensor`
            Shape `(segments, length)`, its adjacent words. Padded cells may hold any word.
        mask : `Tensor`
            Shape `(segments, length)`, boolean, a run of `True` then of `False`.
        start, end : `bool`, optional (default = `True`)
            Whether the first and the last word of a segment have the scores `start` and `end`; otherwise
            these are 0.
        """
        places = rows.unsqueeze(1), words
        return ChainPotentials(
            self.emissions[places],
            mask,
            self.transitions,
            self.start if start else torch.zeros_like(self.start),
            self.end if end else torch.zeros_like(self.end),
            None if self.marginals is None else self.marginals[places],
        )

    def detach(self) -> "ChainPotentials":
        """Detaches the scores from the autograd graph."""
        return replace(
            self,
            emissions=self.emissions.detach(),
            transitions=self.transitions.detach(),
            start=self.start.detach(),
            end=self.end.detach(),
            marginals=None if self.marginals is None else self.marginals.detach(),
        )


def _renormalized(probabilities: Tensor) -> Tensor:
    """Normalizes over the last dimension; uniform where the sum is 0."""
    total = probabilities.sum(dim=-1, keepdim=True)
    found = probabilities / total.masked_fill(total == 0, 1.0)
    return found.masked_fill(total == 0, 1 / probabilities.shape[-1])
