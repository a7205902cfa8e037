"""Random batches of dependency trees, and every quantity over them by enumeration."""

from functools import lru_cache
from itertools import product
from typing import Callable, Dict, List, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.objectives.marginal import Marginal
from allennlp_kd.objectives.structural import Structural
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.token import Token
from allennlp_kd.objectives.top_k import TopK
from allennlp_kd.structs.tree import (
    TreePotentials,
    cross_entropy,
    entropy,
    k_best_trees,
    kl_divergence,
    log_arc_marginals,
    log_partition,
    maximum_spanning_tree,
    nll,
)
from benchmarks.enumeration.compare import cross_entropy as cross_entropy_of, kl, variance

NOTHING = float("-inf")


@lru_cache(maxsize=None)
def all_trees(length: int, single_root: bool, projective: bool) -> Tensor:
    """Shape `(trees, length)`, the heads of all trees of a kind."""
    choices = [[head for head in range(length + 1) if head != word + 1] for word in range(length)]
    found = [
        heads
        for heads in product(*choices)
        if _is_tree(heads)
        and (not single_root or length == 0 or heads.count(0) == 1)
        and (not projective or _is_projective(heads))
    ]
    return torch.tensor(found, dtype=torch.long).view(len(found), length)


def _is_tree(heads: Tuple[int, ...]) -> bool:
    for word in range(1, len(heads) + 1):
        steps = 0
        while word and steps <= len(heads):
            word, steps = heads[word - 1], steps + 1
        if word:
            return False
    return True


def _is_projective(heads: Tuple[int, ...]) -> bool:
    arcs = [tuple(sorted((word, head))) for word, head in enumerate(heads, start=1)]
    return not any(a < c < b < d for a, b in arcs for c, d in arcs)


def random_trees(
    generator: torch.Generator,
    lengths: List[int],
    labels: int,
    scales: Tuple[float, float],
    forbidden: Tuple[float, float],
    dtype: torch.dtype,
) -> TreePotentials:
    """Scores of these standard deviations and shares of -inf (of arcs and of labels).

    The arcs from each word to the one before it are always allowed, so that a tree is.
    """
    longest = max(lengths) + 1
    mask = torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)

    def scores(shape: Tuple[int, ...], kind: int) -> Tensor:
        values = torch.randn(shape, generator=generator, dtype=torch.float64) * scales[kind]
        drop = torch.rand(shape, generator=generator) < forbidden[kind]
        if kind == 1:
            drop[..., 0] = False
        else:
            places = torch.arange(longest)
            drop[:, places, places] = False
        return values.masked_fill(drop, NOTHING).to(dtype)

    shape = (len(lengths), longest, longest + 1)
    return TreePotentials(
        scores(shape, 0).requires_grad_(), mask, scores((*shape, labels), 1).requires_grad_()
    )


def leaves(trees: TreePotentials) -> List[Tensor]:
    """What gradients are taken for."""
    return list(trees.tensors())


def raised(trees: TreePotentials) -> TreePotentials:
    """The same scores in float64, as leaves of their own."""
    arcs, labels = (leaf.detach().double().requires_grad_() for leaf in leaves(trees))
    return TreePotentials(arcs, trees.mask, labels)


class Trees:
    """All trees of each sentence and their scores, labels left out."""

    def __init__(
        self,
        trees: TreePotentials,
        single_root: bool = True,
        projective: bool = False,
        temperature: float = 1.0,
    ) -> None:
        self.arcs, self.labels = trees.arcs / temperature, trees.labels / temperature
        self.lengths = [int(length) for length in trees.lengths]
        self.heads = [all_trees(length, single_root, projective) for length in self.lengths]
        self.scores = [
            self.arcs[row, torch.arange(length), heads].sum(1)
            for row, (length, heads) in enumerate(zip(self.lengths, self.heads))
        ]

    def labelled(self, row: int) -> Tensor:
        """The log probabilities of all labelled trees, flat."""
        logs = self.scores[row].log_softmax(0).unsqueeze(1)
        for word in range(self.lengths[row]):
            chosen = self.labels[row, word].log_softmax(1)[self.heads[row][:, word]]
            logs = (logs.unsqueeze(2) + chosen.unsqueeze(1)).flatten(1)
        return logs.flatten()

    def labelled_scores(self, row: int) -> Tensor:
        """The scores of all labelled trees, flat."""
        return self.labelled(row) + self.scores[row].logsumexp(0)

    def log_arcs(self, row: int) -> Tensor:
        """Shape `(length, length + 1)`, the log marginals of the arcs."""
        length = self.lengths[row]
        logs, found = self.scores[row].log_softmax(0), []
        for word in range(length):
            at = self.heads[row][:, word]
            found.append(torch.stack([_sum(logs[at == head]) for head in range(length + 1)]))
        return torch.stack(found) if found else self.arcs.new_zeros(0, 1)


def _sum(logs: Tensor) -> Tensor:
    return (
        logs.logsumexp(0)
        if len(logs) and bool((logs > NOTHING).any())
        else logs.new_tensor(NOTHING)
    )


def heads_of(word: int, length: int) -> List[int]:
    """What can be a word's head."""
    return [head for head in range(length + 1) if head != word + 1]


def expected_values(
    student: TreePotentials,
    teacher: TreePotentials,
    temperature: float,
    single_root: bool,
    projective: bool,
) -> Dict[str, Callable[[], Tensor]]:
    """By name, of float64 trees."""
    kind = single_root, projective
    p, q = Trees(teacher, *kind), Trees(student, *kind)
    hot_p, hot_q = (Trees(side, temperature=temperature) for side in (teacher, student))
    plain_p, plain_q = Trees(teacher), Trees(student)
    square = temperature**2

    def of_assignments(row: int) -> Tensor:
        """KL over heads and labels, word by word."""
        total = student.arcs.new_zeros(())
        for word in range(p.lengths[row]):
            heads = heads_of(word, p.lengths[row])
            sides = []
            for side in (hot_p, hot_q):
                arcs = side.arcs[row, word, heads].log_softmax(0).unsqueeze(1)
                labels = side.labels[row, word, heads].log_softmax(1)
                sides.append((arcs + labels).flatten())
            total = total + kl(*sides)
        return square * total

    def marginals(row: int) -> Tensor:
        total = student.arcs.new_zeros(())
        sides = [side.log_arcs(row) for side in (hot_p, hot_q)]
        for word in range(p.lengths[row]):
            heads = heads_of(word, p.lengths[row])
            found = []
            for logs, side in zip(sides, (hot_p, hot_q)):
                labels = side.labels[row, word, heads].log_softmax(1)
                found.append((logs[word, heads].unsqueeze(1) + labels).flatten())
            total = total + kl(*found)
        return square * total

    def top_k(row: int) -> Tensor:
        scores, order = plain_p.labelled_scores(row).detach().sort(descending=True)
        order = order[:2][scores[:2] > NOTHING]
        weights = (scores[: len(order)] / temperature).log_softmax(0)
        return cross_entropy_of(weights, plain_q.labelled(row)[order])

    def raw(row: int) -> Tensor:
        total = student.arcs.new_zeros(())
        for word in range(p.lengths[row]):
            heads = _allowed(teacher, row, word, p.lengths[row])
            arcs = (student.arcs - teacher.arcs)[row, word, heads].square().mean()
            squares = []
            for head in heads:
                allowed = teacher.labels[row, word, head] > NOTHING
                difference = student.labels[row, word, head] - teacher.labels[row, word, head]
                squares.append(difference[allowed].square().mean())
            total = total + arcs + torch.stack(squares).mean()
        return total / square

    def drawn(mix: Optional[float], row: int) -> Tensor:
        """The variance over all assignments of heads and labels, listed one by one."""
        differences, weights = student.arcs.new_zeros(1), student.arcs.new_ones(1)
        for word in range(p.lengths[row]):
            heads = _allowed(teacher, row, word, p.lengths[row])
            of_heads = torch.full((len(heads),), 1 / len(heads), dtype=torch.float64)
            if mix is not None:
                of_teacher = teacher.arcs[row, word, heads].detach().softmax(0)
                of_heads = mix * of_heads + (1 - mix) * of_teacher
            of_word, chances = [], []
            for head, chance in zip(heads, of_heads):
                allowed = teacher.labels[row, word, head] > NOTHING
                uniform = allowed.double() / allowed.sum()
                if mix is not None:
                    of_teacher = teacher.labels[row, word, head].detach().softmax(0)
                    uniform = mix * uniform + (1 - mix) * of_teacher
                arc = student.arcs[row, word, head] - teacher.arcs[row, word, head]
                label = student.labels[row, word, head] - teacher.labels[row, word, head]
                of_word.append((arc + label)[allowed])
                chances.append((chance * uniform)[allowed])
            differences = (differences.unsqueeze(1) + torch.cat(of_word)).flatten()
            weights = (weights.unsqueeze(1) * torch.cat(chances)).flatten()
        return variance(differences, weights) / square

    def rows(function: Callable[..., Tensor], *first: object) -> Callable[[], Tensor]:
        return lambda: torch.stack([function(*first, row) for row in range(len(p.lengths))])

    def tables() -> Tensor:
        length = student.mask.shape[1]
        found = student.arcs.new_full((len(q.lengths), length, length + 1), NOTHING)
        for row, words in enumerate(q.lengths):
            found[row, :words, : words + 1] = q.log_arcs(row)
        return found

    return {
        "log_partition": rows(lambda row: _sum(q.scores[row])),
        "nll": rows(lambda row: -q.labelled(row)[_chain(q, row)]),
        "entropy": rows(lambda row: cross_entropy_of(q.labelled(row), q.labelled(row))),
        "cross_entropy": rows(lambda row: cross_entropy_of(p.labelled(row), q.labelled(row))),
        "kl_divergence": rows(lambda row: kl(p.labelled(row), q.labelled(row))),
        "arc marginals": tables,
        "best tree": rows(lambda row: q.labelled_scores(row).max()),
        "k_best": rows(lambda row: _best(plain_q.labelled_scores(row), 3)),
        "structural": rows(
            lambda row: square * cross_entropy_of(hot_p.labelled(row), hot_q.labelled(row))
        ),
        "marginal": rows(marginals),
        "top_k": rows(top_k),
        "token": rows(of_assignments),
        "predictions": rows(of_assignments),
        "scores, raw": rows(raw),
        "scores, centred": rows(drawn, None),
        "scores, weighted": rows(drawn, 0.5),
    }


def _allowed(teacher: TreePotentials, row: int, word: int, length: int) -> List[int]:
    return [head for head in heads_of(word, length) if teacher.arcs[row, word, head] > NOTHING]


def _chain(trees: Trees, row: int) -> int:
    """The place, among all labelled trees, of the one whose words hang on the one before, label 0."""
    length = trees.lengths[row]
    place = (trees.heads[row] == torch.arange(length)).all(1).nonzero()[0]
    return int(place) * trees.labels.shape[3] ** length


def _best(scores: Tensor, k: int) -> Tensor:
    found = scores.sort(descending=True).values[:k]
    return torch.nn.functional.pad(found, (0, k - len(found)), value=NOTHING)


def computed_values(
    student: TreePotentials,
    teacher: TreePotentials,
    temperature: float,
    single_root: bool,
    projective: bool,
) -> Dict[str, Callable[[], Tensor]]:
    """What the package gives, by the same names."""
    options = {"temperature": temperature}
    scores = {"match": "scores", **options}
    kind = single_root, projective
    teacher = teacher.detach()
    heads = torch.arange(student.mask.shape[1]).expand(student.mask.shape)

    def of(objective: Callable[..., Tensor]) -> Callable[[], Tensor]:
        return lambda: objective(student, teacher)

    return {
        "log_partition": lambda: log_partition(student, *kind),
        "nll": lambda: nll(student, heads, torch.zeros_like(heads), *kind),
        "entropy": lambda: entropy(student, *kind),
        "cross_entropy": lambda: cross_entropy(teacher, student, *kind),
        "kl_divergence": lambda: kl_divergence(teacher, student, *kind),
        "arc marginals": lambda: log_arc_marginals(student, *kind),
        "best tree": lambda: maximum_spanning_tree(student, *kind)[2],
        "k_best": lambda: k_best_trees(student, 3)[2],
        "structural": of(Structural(**options)),
        "marginal": of(Marginal(**options)),
        "top_k": of(TopK(k=2, **options)),
        "token": of(Token(**options)),
        "predictions": of(Substructured(**options)),
        "scores, raw": of(Substructured(form="raw", **scores)),
        "scores, centred": of(Substructured(**scores)),
        "scores, weighted": of(Substructured(form="weighted", **scores)),
    }
