"""Selects the parts of sentences that student and teacher share if they have different words.

A student may have other tokens than its teacher: "della" where a treebank has "di la". A token that is one word is
aligned. Both sides score the same sub-structures where all of their words are aligned.
"""

from typing import Iterator, NamedTuple, Union

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.tree import TreePotentials


class Part(NamedTuple):
    """The potentials of student and teacher over parts of sentences, with the same mask.

    # Parameters

    student, teacher : `ChainPotentials` or `TreePotentials`
    rows : `Tensor`
        Shape `(parts,)`, the sentence of each part.
    tokens, words : `Tensor`
        Shape `(parts, length)`, the student's tokens and the teacher's words that a part has. Padded
        cells hold any of them.
    """

    student: Union[ChainPotentials, TreePotentials]
    teacher: Union[ChainPotentials, TreePotentials]
    rows: Tensor
    tokens: Tensor
    words: Tensor


def parts_of_chains(
    student: ChainPotentials, teacher: ChainPotentials, pairs: Tensor
) -> Iterator[Part]:
    """Returns the longest runs of aligned words that are adjacent on both sides, each as a chain.

    Its sub-structures are the nodes of its words and the edges between them. It has the scores `start`
    if it begins with the first word of both sides, and `end` if it ends with their last.

    # Parameters

    student, teacher : `ChainPotentials`
        Of the same sentences.
    pairs : `Tensor`
        Shape `(batch, pairs, 2)`: a token and its word, in order, filled up with -1.

    # Returns

    `Iterator[Part]`
        At most four: with and without `start`, with and without `end`.
    """
    pairs = pairs.to(student.mask.device)
    given = pairs[:, :, 0] >= 0
    begins = given.clone()
    begins[:, 1:] &= (pairs[:, 1:] != pairs[:, :-1] + 1).any(dim=2)
    rows, place = begins.nonzero().unbind(1)
    # Of each pair, the number of its run and its place in it. Shape: (all pairs,)
    run = (begins.flatten().cumsum(0) - 1).view_as(given)[given]
    column = torch.arange(pairs.shape[1], device=pairs.device).expand_as(given)[given] - place[run]
    lengths = torch.bincount(run, minlength=len(rows))
    # Shape: (runs, longest run, 2)
    members = pairs.new_zeros((len(rows), int(lengths.max()), 2))
    members[run, column] = pairs[given]
    mask = torch.arange(members.shape[1], device=pairs.device) < lengths.unsqueeze(1)

    sizes = torch.stack([student.lengths[rows], teacher.lengths[rows]], dim=1)
    last = members[torch.arange(len(rows), device=pairs.device), lengths - 1]
    has_start, has_end = (members[:, 0] == 0).all(dim=1), (last == sizes - 1).all(dim=1)
    for start in (True, False):
        for end in (True, False):
            chosen = ((has_start == start) & (has_end == end)).nonzero().squeeze(1)
            if not len(chosen):
                continue
            length = int(lengths[chosen].max())
            tokens, words = members[chosen, :length].unbind(2)
            of_chosen = rows[chosen], mask[chosen, :length]
            sides = (
                side.segments(of_chosen[0], places, of_chosen[1], start, end)
                for side, places in ((student, tokens), (teacher, words))
            )
            yield Part(*sides, rows[chosen], tokens, words)


def parts_of_trees(
    student: TreePotentials, teacher: TreePotentials, pairs: Tensor
) -> Iterator[Part]:
    """Returns the arcs between aligned words and from ROOT to them, one part per sentence.

    # Parameters

    student, teacher, pairs
        As in `parts_of_chains`.
    """
    pairs = pairs.to(student.mask.device)
    mask = pairs[:, :, 0] >= 0
    tokens, words = pairs.clamp(min=0).unbind(2)
    rows = torch.arange(len(pairs), device=pairs.device)
    sides = student.select_words(tokens, mask), teacher.select_words(words, mask)
    yield Part(*sides, rows, tokens, words)
