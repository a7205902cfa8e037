"""The exponential-time twins of the chain's algorithms: all tag sequences, one by one."""

import itertools
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials

INFINITY = float("inf")


def all_sequences(potentials: ChainPotentials, row: int) -> List[Tuple[int, ...]]:
    """Every tag sequence of one sentence; an empty sentence has the empty one."""
    length = int(potentials.mask[row].sum())
    return list(itertools.product(range(potentials.num_tags), repeat=length))


def all_scores(potentials: ChainPotentials, row: int) -> Tensor:
    """The scores of `all_sequences`, shape `(sequences,)`, straight from the definition."""
    length = int(potentials.mask[row].sum())
    if length == 0:
        return potentials.emissions.new_zeros(1)
    tags = torch.tensor(all_sequences(potentials, row))
    scores = potentials.start[tags[:, 0]] + potentials.end[tags[:, -1]]
    for position in range(length):
        scores = scores + potentials.emissions[row, position, tags[:, position]]
    for position in range(1, length):
        scores = scores + potentials.transitions[tags[:, position - 1], tags[:, position]]
    return scores


def by_row(function: Callable[..., Tensor], *potentials: ChainPotentials) -> Tensor:
    """`function` of each sentence's scores under each of the potentials, stacked."""
    rows = range(potentials[0].batch_size)
    return torch.stack([function(*(all_scores(p, row) for p in potentials)) for row in rows])


def log_partition(potentials: ChainPotentials) -> Tensor:
    return by_row(lambda scores: scores.logsumexp(0), potentials)


def entropy(potentials: ChainPotentials) -> Tensor:
    return cross_entropy(potentials, potentials)


def cross_entropy(p: ChainPotentials, q: ChainPotentials) -> Tensor:
    return by_row(lambda left, right: -_mean(left, right.log_softmax(0)), p, q)


def kl_divergence(p: ChainPotentials, q: ChainPotentials) -> Tensor:
    def divergence(left: Tensor, right: Tensor) -> Tensor:
        possible = left > -INFINITY
        left, right = left.log_softmax(0)[possible], right.log_softmax(0)[possible]
        return (left.exp() * (left - right)).sum()

    return by_row(divergence, p, q)


def _mean(scores: Tensor, values: Tensor) -> Tensor:
    possible = scores > -INFINITY
    return (scores[possible].softmax(0) * values[possible]).sum()


def log_node_marginals(potentials: ChainPotentials) -> Tensor:
    """Shape `(batch, length, tags)`, -inf in padding."""
    marginals = torch.full_like(potentials.emissions.detach(), -INFINITY)
    for row in range(potentials.batch_size):
        tags = torch.tensor(all_sequences(potentials, row))
        probabilities = all_scores(potentials, row).detach().log_softmax(0)
        for position in range(tags.shape[1]):
            for tag in range(potentials.num_tags):
                chosen = tags[:, position] == tag
                marginals[row, position, tag] = probabilities[chosen].logsumexp(0)
    return marginals


def log_edge_marginals(potentials: ChainPotentials) -> Tensor:
    """Shape `(batch, length - 1, tags, tags)`, -inf in padding."""
    batch, length, num_tags = potentials.emissions.shape
    marginals = potentials.emissions.new_full((batch, length - 1, num_tags, num_tags), -INFINITY)
    marginals = marginals.detach()
    for row in range(batch):
        tags = torch.tensor(all_sequences(potentials, row))
        probabilities = all_scores(potentials, row).detach().log_softmax(0)
        for position in range(tags.shape[1] - 1):
            for left, right in itertools.product(range(num_tags), repeat=2):
                chosen = (tags[:, position] == left) & (tags[:, position + 1] == right)
                marginals[row, position, left, right] = probabilities[chosen].logsumexp(0)
    return marginals


def best_sequences(potentials: ChainPotentials, row: int) -> List[Tuple[float, Tuple[int, ...]]]:
    """Every sequence with its score, best first."""
    scored = zip(all_scores(potentials, row).tolist(), all_sequences(potentials, row))
    return sorted(scored, key=lambda pair: -pair[0])


def random_potentials(
    seed: int,
    num_tags: int,
    lengths: Sequence[int] = (3, 0, 6, 1, 4, 2, 5),
    scale: float = 1.0,
    with_ends: bool = True,
    dtype: torch.dtype = torch.float64,
    padding: int = 1,
    padded_value: Optional[float] = float("nan"),
    forbidden: float = 0.0,
    requires_grad: bool = True,
) -> ChainPotentials:
    """A ragged batch of normally distributed scores, `padding` columns longer than needed.

    # Parameters

    scale : `float`
        The standard deviation of all scores.
    padded_value : `float`, optional
        What stands in padded cells.
    forbidden : `float`
        The share of the scores that are -inf. Tag 0 is always allowed, so that a sequence always
        is.
    """
    generator = torch.Generator().manual_seed(seed)
    longest = max(lengths) + padding
    mask = torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)
    shapes: Dict[str, Tuple[int, ...]] = {
        "emissions": (len(lengths), longest, num_tags),
        "transitions": (num_tags, num_tags),
    }
    if with_ends:
        shapes.update(start=(num_tags,), end=(num_tags,))
    scores = {}
    for name, shape in shapes.items():
        score = torch.randn(shape, generator=generator, dtype=torch.float64) * scale
        forbid = torch.rand(shape, generator=generator) < forbidden
        # The transition from tag 0 to itself stands in the first row and the first column.
        forbid[(..., 0)] = False
        score = score.masked_fill(forbid, -INFINITY)
        if name == "emissions":
            score = score.masked_fill(~mask.unsqueeze(2), padded_value)
        scores[name] = score.to(dtype).requires_grad_(requires_grad)
    return ChainPotentials(mask=mask, **scores)


def leaves(*potentials: ChainPotentials) -> List[Tensor]:
    """The scores that gradients are taken for."""
    found = []
    for p in potentials:
        found += [s for s in (p.emissions, p.transitions, p.start, p.end) if s.requires_grad]
    return found


def gradients(value: Tensor, *potentials: ChainPotentials) -> List[Tensor]:
    """Of the sum of `value`, each sentence weighted otherwise, for `leaves`."""
    weights = torch.linspace(0.5, 2.0, value.shape[0], dtype=value.dtype)
    wanted = leaves(*potentials)
    found = torch.autograd.grad((value * weights).sum(), wanted, allow_unused=True)
    return [torch.zeros_like(w) if f is None else f for f, w in zip(found, wanted)]


def rebuild(potentials: ChainPotentials, scores: Sequence[Tensor]) -> ChainPotentials:
    """The potentials with other scores: emissions, transitions and, if given, start and end."""
    return ChainPotentials(scores[0], potentials.mask, *scores[1:])
