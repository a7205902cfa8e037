"""Checks that heads form a tree, and whether it is projective."""

import torch
from torch import Tensor


def are_trees(heads: Tensor, mask: Tensor, single_root: bool = True) -> Tensor:
    """Whether each word has a head in its sentence and every path upward ends at ROOT.

    # Parameters

    heads : `Tensor`
        Shape `(batch, length)`, integer; word d (from 0) is d + 1 as a head, and ROOT is 0. In
        padded cells not read.
    mask : `Tensor`
        Shape `(batch, length)`.
    single_root : `bool`, optional (default = `True`)
        Whether exactly one word has to hang on ROOT.

    # Returns

    `Tensor`
        Shape `(batch,)`, boolean; `True` for a sentence of length 0.
    """
    heads = heads.masked_fill(~mask, 0)
    inside = (heads >= 0) & (heads <= mask.sum(dim=1, keepdim=True))
    # Each position's ancestor 1, 2, 4, ... steps up; ROOT is its own. Shape: (batch, length + 1)
    ancestors = torch.nn.functional.pad(heads.masked_fill(~inside, 0), (1, 0))
    for _ in range(max(1, heads.shape[1]).bit_length()):
        ancestors = ancestors.gather(1, ancestors)
    result = inside.all(dim=1) & (ancestors == 0).all(dim=1)
    if single_root:
        roots = ((heads == 0) & mask).sum(dim=1)
        result = result & (roots == mask.any(dim=1))
    return result


def are_projective(heads: Tensor, mask: Tensor) -> Tensor:
    """Whether no two arcs cross, including arcs from ROOT, which precedes the first word.

    # Parameters

    heads, mask : `Tensor`
        As for `are_trees`, and trees.

    # Returns

    `Tensor`
        Shape `(batch,)`, boolean.
    """
    words = torch.arange(1, heads.shape[1] + 1, device=heads.device).expand_as(heads)
    left, right = torch.minimum(words, heads), torch.maximum(words, heads)
    # Arc j begins inside arc i and ends outside it. Shape: (batch, length, length)
    begins = (left.unsqueeze(2) < left.unsqueeze(1)) & (left.unsqueeze(1) < right.unsqueeze(2))
    crossing = begins & (right.unsqueeze(1) > right.unsqueeze(2))
    words_both = mask.unsqueeze(2) & mask.unsqueeze(1)
    return ~(crossing & words_both).flatten(1).any(dim=1)


def check_trees(heads: Tensor, mask: Tensor, single_root: bool, projective: bool) -> None:
    """
    # Raises

    ValueError
        If heads of a sentence are not a tree, or not of the kind asked for; the message names the
        sentence.
    """
    good = are_trees(heads, mask, single_root)
    kind = "a tree with one word on ROOT" if single_root else "a tree"
    if projective and bool(good.all()):
        good, kind = are_projective(heads, mask), "a projective tree"
    if not bool(good.all()):
        row = int((~good).nonzero()[0])
        raise ValueError(
            f"row {row} must be {kind}, found the heads {heads[row][mask[row]].tolist()}"
        )
