"""Aligns the potentials of student and teacher before an objective compares them."""

from dataclasses import replace
from typing import Iterator, Sequence, Tuple, TypeVar, Union

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.tree import TreePotentials

Potentials = Union[ChainPotentials, TreePotentials]
BLOCK = 32  # words
SomePotentials = TypeVar("SomePotentials", ChainPotentials, TreePotentials)


def on_same_words(
    student: SomePotentials, teacher: SomePotentials
) -> Tuple[SomePotentials, SomePotentials]:
    """Removes the columns that are padding in all sentences from both potentials.

    The student's are padded to the longest sentence of the batch, the teacher's to the longest that
    has teacher inputs.

    # Raises

    ValueError
        If a sentence has not as many words on both sides.
    """
    if student.mask.shape == teacher.mask.shape and torch.equal(student.mask, teacher.mask):
        return student, teacher
    student_words, teacher_words = student.lengths.tolist(), teacher.lengths.tolist()
    if len(student_words) != len(teacher_words):
        raise ValueError(
            f"{len(student_words)} sentences have teacher inputs, but the teacher scored "
            f"{len(teacher_words)}"
        )
    for row, (expected, found) in enumerate(zip(student_words, teacher_words)):
        if expected != found:
            raise ValueError(
                f"the teacher scored {found} words, but sentence {row} (among those in the batch that "
                f"have teacher inputs) has {expected}"
            )
    length = max(student_words, default=0)
    return student.first_words(length), teacher.first_words(length)


def spread_tags(potentials: SomePotentials, tags: Sequence[int], size: int) -> SomePotentials:
    """The inverse of `select_tags`: extends the potentials to `size` tags and forbids the new ones.

    # Parameters

    potentials : `ChainPotentials` or `TreePotentials`
        Over `len(tags)` tags (of trees: labels).
    tags : `Sequence[int]`
        The index, among `size`, that each of them gets.
    """
    if isinstance(potentials, TreePotentials):
        return potentials.spread_labels(tags, size)
    if list(tags) == list(range(size)):
        return potentials
    index = torch.as_tensor(tags, dtype=torch.long, device=potentials.emissions.device)
    batch, length, _ = potentials.emissions.shape
    emissions = potentials.emissions.new_full((batch, length, size), float("-inf"))
    emissions[..., index] = potentials.emissions
    transitions = potentials.transitions.new_zeros((size, size))
    transitions[index.unsqueeze(1), index] = potentials.transitions
    start, end = transitions.new_zeros(size), transitions.new_zeros(size)
    start[index], end[index] = potentials.start, potentials.end
    return ChainPotentials(emissions, potentials.mask, transitions, start, end)


def merge_labels(potentials: TreePotentials, groups: Sequence[Sequence[int]]) -> TreePotentials:
    """Merges the labels of each arc into groups and adds their probabilities:

        score[g] = log(sum over k in g of exp(score[k])).

    The scores of all arcs exist at once then, even where the labels were factored; those of
    the labels before only for `BLOCK` words at a time.

    # Parameters

    potentials : `TreePotentials`
    groups : `Sequence[Sequence[int]]`
        Labels. One that is in no group is left out.
    """
    places = [torch.as_tensor(group, device=potentials.arcs.device) for group in groups]
    parts = []
    for first in range(0, max(potentials.max_length, 1), BLOCK):
        scores = potentials.label_scores(first, first + BLOCK)
        parts.append(torch.stack([scores[..., p].logsumexp(dim=-1) for p in places], dim=-1))
    return replace(potentials, labels=torch.cat(parts, dim=1))


def score_tensors(potentials: Potentials) -> Iterator[Tensor]:
    """Returns all score tensors as they were given, both per-batch and shared ones."""
    if isinstance(potentials, TreePotentials):
        yield from potentials.tensors()
    else:
        yield potentials.emissions
        yield from (potentials.transitions, potentials.start, potentials.end)


def have_nan(potentials: Potentials) -> bool:
    """Whether a score outside padding is NaN."""
    if isinstance(potentials, TreePotentials):
        scores = [potentials.arcs[potentials.arc_mask]]
        if potentials.labels is not None:
            scores.append(potentials.label_scores()[potentials.arc_mask])
    else:
        _, *shared = score_tensors(potentials)
        scores = [potentials.emissions[potentials.mask], *shared]
    return any(bool(torch.isnan(part).any()) for part in scores)
