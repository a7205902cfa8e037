"""Random batches of chains, and every quantity over them by enumeration of all tag sequences."""

from itertools import product
from typing import Callable, Dict, List, Tuple

import torch
from torch import Tensor

from allennlp_kd.objectives.marginal import Marginal
from allennlp_kd.objectives.structural import Structural
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.token import Token
from allennlp_kd.objectives.top_k import TopK
from allennlp_kd.structs.chain import (
    ChainPotentials,
    cross_entropy,
    entropy,
    k_best,
    kl_divergence,
    log_edge_marginals,
    log_node_marginals,
    log_partition,
    nll,
    viterbi,
    with_marginals,
)
from benchmarks.enumeration.compare import cross_entropy as cross_entropy_of, kl, variance

NOTHING = float("-inf")


def random_chains(
    generator: torch.Generator,
    lengths: List[int],
    tags: int,
    scales: Tuple[float, float],
    forbidden: Tuple[float, float],
    dtype: torch.dtype,
) -> ChainPotentials:
    """Scores of these standard deviations and shares of -inf (of words and of transitions).

    Tag 0 is always allowed, so that a sequence is.
    """
    longest = max(lengths) + 1
    mask = torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)

    def scores(shape: Tuple[int, ...], kind: int) -> Tensor:
        values = torch.randn(shape, generator=generator, dtype=torch.float64) * scales[kind]
        drop = torch.rand(shape, generator=generator) < forbidden[kind]
        drop[..., 0] = False
        return values.masked_fill(drop, NOTHING).to(dtype)

    emissions = scores((len(lengths), longest, tags), 0)
    emissions = emissions.masked_fill(~mask.unsqueeze(2), float("nan"))
    return ChainPotentials(
        emissions.requires_grad_(),
        mask,
        *(scores(shape, 1).requires_grad_() for shape in ((tags, tags), (tags,), (tags,))),
    )


def leaves(chains: ChainPotentials) -> List[Tensor]:
    """What gradients are taken for."""
    return [chains.emissions, chains.transitions, chains.start, chains.end]


def raised(chains: ChainPotentials) -> ChainPotentials:
    """The same scores in float64, as leaves of their own."""
    scores = [leaf.detach().double().requires_grad_() for leaf in leaves(chains)]
    return ChainPotentials(scores[0], chains.mask, *scores[1:])


class Sequences:
    """All tag sequences of each sentence and their scores."""

    def __init__(self, chains: ChainPotentials, temperature: float = 1.0) -> None:
        self.chains, self.temperature = chains, temperature
        self.lengths = [int(length) for length in chains.lengths]
        self.tags = [
            torch.tensor(list(product(range(chains.num_tags), repeat=length)), dtype=torch.long)
            for length in self.lengths
        ]
        self.scores = [self._scores(row) for row in range(len(self.lengths))]

    def node(self, row: int, word: int) -> Tensor:
        """What the tags of a word score, start and end included."""
        chains = self.chains
        found = chains.emissions[row, word] / self.temperature
        if word == 0:
            found = found + chains.start / self.temperature
        return found + chains.end / self.temperature if word == self.lengths[row] - 1 else found

    def _scores(self, row: int) -> Tensor:
        tags, length = self.tags[row], self.lengths[row]
        found = self.chains.emissions.new_zeros(max(len(tags), 1))
        for word in range(length):
            found = found + self.node(row, word)[tags[:, word]]
            if word:
                moves = self.chains.transitions / self.temperature
                found = found + moves[tags[:, word - 1], tags[:, word]]
        return found

    def window(self, row: int, first: int, width: int) -> Tensor:
        """The scores of all tags of adjacent words."""
        tags = torch.tensor(list(product(range(self.chains.num_tags), repeat=width)))
        found = self.chains.emissions.new_zeros(len(tags))
        for place in range(width):
            found = found + self.node(row, first + place)[tags[:, place]]
            if place:
                moves = self.chains.transitions / self.temperature
                found = found + moves[tags[:, place - 1], tags[:, place]]
        return found


def by_row(function: Callable[[int], Tensor], sequences: Sequences) -> Tensor:
    return torch.stack([function(row) for row in range(len(sequences.lengths))])


def log_nodes(of: Sequences, row: int, word: int) -> Tensor:
    """The log marginals of a word's tags."""
    logs = of.scores[row].log_softmax(0)
    tags = of.tags[row][:, word]
    return torch.stack([logs[tags == tag].logsumexp(0) for tag in range(of.chains.num_tags)])


def log_edges(of: Sequences, row: int, word: int) -> Tensor:
    """The log marginals of the pairs of tags of a word and the next one, flat."""
    logs, tags = of.scores[row].log_softmax(0), of.tags[row]
    size = of.chains.num_tags
    pairs = tags[:, word] * size + tags[:, word + 1]
    return torch.stack([logs[pairs == pair].logsumexp(0) for pair in range(size * size)])


def expected_values(
    student: ChainPotentials, teacher: ChainPotentials, temperature: float
) -> Dict[str, Callable[[], Tensor]]:
    """By name, of float64 chains."""
    p, q = Sequences(teacher), Sequences(student)
    hot_p, hot_q = Sequences(teacher, temperature), Sequences(student, temperature)
    square = temperature**2

    def structural(row: int) -> Tensor:
        return square * cross_entropy_of(
            hot_p.scores[row].log_softmax(0), hot_q.scores[row].log_softmax(0)
        )

    def entropies(row: int) -> Tensor:
        logs = q.scores[row].log_softmax(0)
        return -(logs.exp() * logs.masked_fill(logs.exp() == 0, 0)).sum()

    def marginals(function: Callable[[Sequences, int, int], Tensor], row: int) -> Tensor:
        length = p.lengths[row]
        edges = function is log_edges
        if edges and length == 1:
            return square * kl(log_nodes(hot_p, row, 0), log_nodes(hot_q, row, 0))
        total = student.emissions.new_zeros(())
        for word in range(length - 1 if edges else length):
            total = total + kl(function(hot_p, row, word), function(hot_q, row, word))
        return square * total

    def top_k(row: int) -> Tensor:
        scores, order = p.scores[row].detach().sort(descending=True)
        order = order[:2][scores[:2] > NOTHING]
        weights = (p.scores[row].detach()[order] / temperature).log_softmax(0)
        return cross_entropy_of(weights, q.scores[row].log_softmax(0)[order])

    def token(row: int) -> Tensor:
        total = student.emissions.new_zeros(())
        for word in range(p.lengths[row]):
            sides = [side.emissions[row, word] / temperature for side in (teacher, student)]
            total = total + kl(*(side.log_softmax(0) for side in sides))
        return square * total

    def predictions(window: int, row: int) -> Tensor:
        width = min(window, p.lengths[row])
        total = student.emissions.new_zeros(())
        for first in range(p.lengths[row] - width + 1 if width else 0):
            sides = [side.window(row, first, width).log_softmax(0) for side in (hot_p, hot_q)]
            total = total + kl(*sides)
        return square * total

    def emissions(row: int) -> Tensor:
        total = student.emissions.new_zeros(())
        for word in range(p.lengths[row]):
            allowed = teacher.emissions[row, word] > NOTHING
            difference = (student.emissions - teacher.emissions)[row, word][allowed]
            total = total + (difference / temperature).square().mean()
        return total

    def raw(row: int) -> Tensor:
        total = student.emissions.new_zeros(())
        for word in range(p.lengths[row]):
            table = (q.node(row, word) - p.node(row, word)).unsqueeze(0)
            allowed = (p.node(row, word) > NOTHING).unsqueeze(0)
            if word:
                table = table + student.transitions - teacher.transitions
                allowed = allowed & (p.node(row, word - 1) > NOTHING).unsqueeze(1)
            total = total + (table[allowed.expand_as(table)] / temperature).square().mean()
        return total

    def drawn(weights: List[Tensor], row: int) -> Tensor:
        """The variance of the difference with tags drawn word by word."""
        chosen = student.emissions.new_ones(len(p.scores[row]))
        for word, of_word in enumerate(weights):
            chosen = chosen * of_word[p.tags[row][:, word]]
        possible = chosen > 0
        difference = q.scores[row][possible] - p.scores[row][possible]
        return variance(difference, chosen[possible]) / square

    def centred(row: int) -> Tensor:
        allowed = [(p.node(row, word) > NOTHING).double() for word in range(p.lengths[row])]
        return drawn([each / each.sum() for each in allowed], row)

    def weighted(row: int) -> Tensor:
        found = []
        for word in range(p.lengths[row]):
            allowed = (p.node(row, word) > NOTHING).double()
            mixed = log_nodes(p, row, word).exp() / 2 + 0.5 / student.num_tags
            mixed = mixed.detach() * allowed
            found.append(mixed / mixed.sum())
        return drawn(found, row)

    def rows(function: Callable[..., Tensor], *first: object) -> Callable[[], Tensor]:
        return lambda: by_row(lambda row: function(*first, row), p)

    return {
        "log_partition": rows(lambda row: q.scores[row].logsumexp(0)),
        "nll": rows(lambda row: q.scores[row].logsumexp(0) - q.scores[row][-1]),
        "entropy": rows(entropies),
        "cross_entropy": rows(
            lambda row: cross_entropy_of(p.scores[row].log_softmax(0), q.scores[row].log_softmax(0))
        ),
        "kl_divergence": rows(
            lambda row: kl(p.scores[row].log_softmax(0), q.scores[row].log_softmax(0))
        ),
        "viterbi": rows(lambda row: q.scores[row].max()),
        "k_best": rows(lambda row: _best(q.scores[row], 3)),
        "node marginals": lambda: _tables(log_nodes, q, student.num_tags, 0),
        "edge marginals": lambda: _tables(log_edges, q, student.num_tags**2, 1),
        "structural": rows(structural),
        "marginal, nodes": rows(marginals, log_nodes),
        "marginal, edges": rows(marginals, log_edges),
        "top_k": rows(top_k),
        "token": rows(token),
        "predictions, window 1": rows(predictions, 1),
        "predictions": rows(predictions, 2),
        "predictions, window 3": rows(predictions, 3),
        "scores, emissions": rows(emissions),
        "scores, raw": rows(raw),
        "scores, centred": rows(centred),
        "scores, weighted": rows(weighted),
    }


def _best(scores: Tensor, k: int) -> Tensor:
    found = scores.sort(descending=True).values[:k]
    return torch.nn.functional.pad(found, (0, k - len(found)), value=NOTHING)


def _tables(
    function: Callable[[Sequences, int, int], Tensor], of: Sequences, size: int, less: int
) -> Tensor:
    length = of.chains.mask.shape[1] - less
    found = of.chains.emissions.new_full((len(of.lengths), length, size), NOTHING)
    for row, words in enumerate(of.lengths):
        for word in range(words - less):
            found[row, word] = function(of, row, word)
    return found


def computed_values(
    student: ChainPotentials, teacher: ChainPotentials, temperature: float
) -> Dict[str, Callable[[], Tensor]]:
    """What the package gives, by the same names."""
    options = {"temperature": temperature}
    scores = {"match": "scores", **options}
    last = student.mask.long() * (student.num_tags - 1)
    teacher = teacher.detach()

    def of(objective: Callable[..., Tensor]) -> Callable[[], Tensor]:
        return lambda: objective(student, teacher)

    return {
        "log_partition": lambda: log_partition(student),
        "nll": lambda: nll(student, last),
        "entropy": lambda: entropy(student),
        "cross_entropy": lambda: cross_entropy(teacher, student),
        "kl_divergence": lambda: kl_divergence(teacher, student),
        "viterbi": lambda: viterbi(student)[1],
        "k_best": lambda: k_best(student, 3)[1],
        "node marginals": lambda: log_node_marginals(student),
        "edge marginals": lambda: log_edge_marginals(student).flatten(2),
        "structural": of(Structural(**options)),
        "marginal, nodes": of(Marginal(**options)),
        "marginal, edges": of(Marginal(parts="edges", **options)),
        "top_k": of(TopK(k=2, **options)),
        "token": of(Token(**options)),
        "predictions, window 1": of(Substructured(window=1, **options)),
        "predictions": of(Substructured(**options)),
        "predictions, window 3": of(Substructured(window=3, **options)),
        "scores, emissions": of(Substructured(form="emissions", **scores)),
        "scores, raw": of(Substructured(form="raw", **scores)),
        "scores, centred": of(Substructured(**scores)),
        "scores, weighted": lambda: Substructured(form="weighted", **scores)(
            student, with_marginals(teacher)
        ),
    }
