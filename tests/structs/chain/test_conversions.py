"""What a conversion keeps, against distributions that are enumerated."""

import itertools

import pytest
import torch

from allennlp_kd.structs.chain import (
    ChainPotentials,
    cross_entropy,
    entropy,
    log_node_marginals,
    log_partition,
)
from allennlp_kd.structs.chain.conversions import independent, independent_of
from allennlp_kd.structs.chain.spans import bio_potentials, bio_tags, log_bio_marginals
from tests.structs.chain import enumeration
from tests.structs.chain.enumeration import random_potentials

LENGTHS = (3, 0, 4, 1)


@pytest.mark.parametrize("tags", [1, 3])
@pytest.mark.parametrize("forbidden", [0.0, 0.4])
@pytest.mark.parametrize("seed", range(3))
class TestIndependent:
    def test_has_the_chain_s_node_marginals(self, tags, forbidden, seed):
        chain = random_potentials(seed, tags, LENGTHS, forbidden=forbidden)
        found = independent(chain)
        expected = enumeration.log_node_marginals(chain)
        enumerated = enumeration.log_node_marginals(found)
        torch.testing.assert_close(enumerated.exp(), expected.exp())
        assert not found.transitions.any() and not found.start.any() and not found.end.any()
        zero = torch.zeros(len(LENGTHS), dtype=torch.double)
        torch.testing.assert_close(log_partition(found).detach(), zero, atol=1e-9, rtol=0)

    def test_a_second_time_changes_nothing(self, tags, forbidden, seed):
        once = independent(random_potentials(seed, tags, LENGTHS, forbidden=forbidden))
        twice = independent(once)
        torch.testing.assert_close(twice.emissions.exp(), once.emissions.exp())


@pytest.mark.parametrize("seed", range(3))
def test_no_independent_words_are_nearer(seed):
    """So a student of independent words has the same gradient by the chain and by its conversion."""
    chain = random_potentials(seed, 3, LENGTHS, requires_grad=False)
    best = independent(chain)
    generator = torch.Generator().manual_seed(seed)
    student = best.emissions + torch.randn(best.emissions.shape, generator=generator)
    student = student.double().requires_grad_()
    other = ChainPotentials(student, chain.mask, torch.zeros(3, 3).double())
    assert bool((cross_entropy(chain, best) <= cross_entropy(chain, other) + 1e-9).all())
    torch.testing.assert_close(cross_entropy(chain, best), entropy(best))
    gradients = [
        torch.autograd.grad(cross_entropy(teacher, other).sum(), student)[0]
        for teacher in (chain, best)
    ]
    torch.testing.assert_close(*gradients)


def test_a_word_without_a_tag():
    mask = torch.tensor([[True, True], [True, False]])
    logs = torch.zeros(2, 2, 3)
    logs[0, 1] = -float("inf")
    logs[1, 1] = float("nan")
    with pytest.raises(ValueError, match="no tag is possible for word 2 of sentence 0"):
        independent_of(logs, mask)
    logs[0, 1, 2] = 0.0
    assert torch.isfinite(independent_of(logs, mask).emissions[1]).all()


class SpanModel:
    """A semi-Markov model over labelled spans, all segmentations enumerated (Sarawagi and Cohen,
    2004): a segmentation scores the sum of its spans' scores, and of a score for each pair of
    neighboring spans, which no chain of BIO tags can tell apart."""

    def __init__(self, length, labels, seed):
        generator = torch.Generator().manual_seed(seed)
        self.length, self.labels = length, labels
        self.scores = torch.randn(length, length, labels, generator=generator).double()
        self.pairs = torch.randn(labels, labels, generator=generator).double()
        self.segmentations = list(self._all(0))
        scores = torch.stack([self._score(each) for each in self.segmentations])
        self.probabilities = scores.softmax(0).tolist()

    def _all(self, start):
        if start == self.length:
            yield ()
            return
        yield from self._all(start + 1)
        for end, label in itertools.product(range(start, self.length), range(self.labels)):
            for rest in self._all(end + 1):
                yield ((start, end, label), *rest)

    def _score(self, segmentation):
        score = torch.zeros((), dtype=torch.double)
        for span in segmentation:
            score = score + self.scores[span]
        for (_, end, left), (start, _, right) in zip(segmentation, segmentation[1:]):
            if start == end + 1:
                score = score + self.pairs[left, right]
        return score

    def log_spans(self, size):
        found = torch.zeros(size, size, self.labels).double()
        for segmentation, probability in zip(self.segmentations, self.probabilities):
            for span in segmentation:
                found[span] += probability
        found = found.log()
        found[self.length :] = float("nan")
        found[:, self.length :] = float("nan")
        return found

    def bio(self, size):
        """The tags' probabilities, straight from the segmentations' tags."""
        found = torch.zeros(size, 1 + 2 * self.labels).double()
        for segmentation, probability in zip(self.segmentations, self.probabilities):
            tags = [0] * self.length
            for start, end, label in segmentation:
                tags[start : end + 1] = [1 + 2 * label] + [2 + 2 * label] * (end - start)
            for word, tag in enumerate(tags):
                found[word, tag] += probability
        return found


@pytest.mark.parametrize("labels", [1, 2])
@pytest.mark.parametrize("seed", range(2))
def test_spans_become_the_bio_tags_of_their_segmentations(labels, seed):
    lengths, size = (4, 1, 0, 3), 5
    models = [SpanModel(length, labels, seed + row) for row, length in enumerate(lengths)]
    mask = torch.arange(size) < torch.tensor(lengths).unsqueeze(1)
    spans = torch.stack([model.log_spans(size) for model in models])
    expected = torch.stack([model.bio(size) for model in models])
    torch.testing.assert_close(log_bio_marginals(spans, mask).exp(), expected, atol=1e-10, rtol=0)
    chain = bio_potentials(spans, mask)
    nodes = log_node_marginals(chain).exp()
    torch.testing.assert_close(nodes, expected, atol=1e-9, rtol=0)
    assert chain.num_tags == len(bio_tags(["PER", "LOC"][:labels]))


def test_the_order_of_bio_tags():
    assert bio_tags(["PER", "LOC"]) == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    spans = torch.full((1, 2, 2, 2), -float("inf"))
    spans[0, 0, 1, 1] = 0.0  # the one span is of both words, and a LOC
    best = bio_potentials(spans, torch.ones(1, 2).bool()).emissions[0].argmax(1)
    assert [bio_tags(["PER", "LOC"])[tag] for tag in best] == ["B-LOC", "I-LOC"]


def test_bad_spans():
    mask = torch.ones(1, 2).bool()
    with pytest.raises(ValueError, match=r"the shape \(1, 2, 2, 'labels'\), found \(1, 2, 3, 1\)"):
        log_bio_marginals(torch.zeros(1, 2, 3, 1), mask)
    twice = torch.full((1, 2, 2, 1), 0.75).log()
    with pytest.raises(ValueError, match="word 1 of sentence 0 .* sum to 1.5"):
        log_bio_marginals(twice, mask)
    with pytest.raises(ValueError, match="sum to nan"):
        log_bio_marginals(torch.full((1, 2, 2, 1), float("nan")), mask)
