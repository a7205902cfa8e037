"""Brute force: every tree of a sentence. Exponential; for sentences of up to 6 words."""

import itertools
from functools import lru_cache
from typing import List, Tuple

import torch

from allennlp_kd.structs.tree import FactoredLabels, TreePotentials

Heads = Tuple[int, ...]


def is_tree(heads: Heads) -> bool:
    for word in range(1, len(heads) + 1):
        seen = set()
        while word != 0:
            if word in seen:
                return False
            seen.add(word)
            word = heads[word - 1]
    return True


def is_projective(heads: Heads) -> bool:
    arcs = [tuple(sorted((word, head))) for word, head in enumerate(heads, start=1)]
    return not any(a < c < b < d for a, b in arcs for c, d in arcs)


@lru_cache(maxsize=None)
def all_trees(length: int, single_root: bool, projective: bool) -> List[Heads]:
    choices = [[h for h in range(length + 1) if h != word] for word in range(1, length + 1)]
    return [
        heads
        for heads in itertools.product(*choices)
        if is_tree(heads)
        and (not single_root or length == 0 or heads.count(0) == 1)
        and (not projective or is_projective(heads))
    ]


def scores_of_all_trees(potentials: TreePotentials, row: int, trees: List[Heads]) -> torch.Tensor:
    """Shape `(trees,)`, sums of the raw `arcs`, in float64."""
    length = int(potentials.mask[row].sum())
    if length == 0:
        return torch.zeros(len(trees), dtype=torch.double)
    heads = torch.tensor(trees)
    cells = potentials.arcs[row, :length].double()
    return cells[torch.arange(length), heads].sum(dim=1)


def random_potentials(
    lengths: List[int],
    labels: int = 0,
    factored: bool = False,
    scale: float = 1.0,
    dtype: torch.dtype = torch.double,
    padding: float = float("nan"),
    seed: int = 0,
    extra: int = 0,
) -> TreePotentials:
    """Random scores for sentences of these lengths, with `padding` in cells that touch padding.

    The numbers do not depend on `extra`, the padding beyond the longest sentence.
    """
    generator = torch.Generator().manual_seed(seed)
    size = max(lengths, default=0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.double).to(dtype)

    arcs = normal(len(lengths), size, size + 1) * scale
    arcs = torch.nn.functional.pad(arcs, (0, extra, 0, extra), value=padding)
    mask = torch.arange(size + extra) < torch.tensor(lengths).unsqueeze(1)
    outside = ~(mask.unsqueeze(2) & torch.nn.functional.pad(mask, (1, 0), value=True).unsqueeze(1))
    arcs[outside] = padding
    scores = None
    if labels and factored:
        head, dependent = normal(len(lengths), size + 1, 3), normal(len(lengths), size, 2)
        weight, bias = normal(labels, 3, 2), normal(labels)
        head = torch.nn.functional.pad(head, (0, 0, 0, extra), value=padding)
        dependent = torch.nn.functional.pad(dependent, (0, 0, 0, extra), value=padding)
        head[:, 1:][~mask] = padding
        dependent[~mask] = padding
        scores = FactoredLabels(head, dependent, weight, bias)
    elif labels:
        scores = normal(len(lengths), size, size + 1, labels)
        scores = torch.nn.functional.pad(scores, (0, 0, 0, extra, 0, extra), value=padding)
        scores[outside] = padding
    return TreePotentials(arcs, mask, scores)
