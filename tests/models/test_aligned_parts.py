"""Distillation where the student's tokens are not the teacher's words: parts, twins, gradients, padding."""

from dataclasses import replace

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from torch.testing import assert_close

from allennlp_kd.models.aligned_parts import parts_of_chains, parts_of_trees
from allennlp_kd.models.distillation import Distillation
from allennlp_kd.objectives.hidden import Hidden
from allennlp_kd.objectives.marginal import Marginal
from allennlp_kd.objectives.structural import Structural
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.token import Token
from allennlp_kd.objectives.top_k import TopK
from allennlp_kd.objectives.weighted_sum import WeightedSum
from allennlp_kd.structs.chain import with_marginals
from allennlp_kd.structs.tree import FactoredLabels, TreePotentials
from tests.models.fake_teacher import FakeTeacher, OpenFakeTeacher, teacher_inputs
from tests.models.small_distillation import LENGTHS
from tests.models.tagging import instances, tagger, tensors, vocabulary
from tests.objectives.chains import random_chains

# Tokens and words of each sentence. Of the first one a token is several words (2 is 2-3). Of the second one words are
# several tokens (1 and 4), so that its end differs. The third has no neighbors that are neighbors on both sides. The
# fourth is the same on both sides. Of the last the first token alone is a word.
STUDENT, TEACHER = [6, 7, 3, 4, 2], [7, 5, 5, 4, 3]
PAIRS = [
    [(0, 0), (1, 1), (3, 4), (4, 5), (5, 6)],
    [(0, 0), (3, 2), (4, 3)],
    [(0, 1), (1, 3)],
    [(0, 0), (1, 1), (2, 2), (3, 3)],
    [(0, 0)],
]


def pairs_tensor(pairs=PAIRS, padding=0):
    longest = max(map(len, pairs)) + padding
    return torch.tensor([row + [(-1, -1)] * (longest - len(row)) for row in pairs])


def chains(padding=0):
    student = random_chains(STUDENT, tags=3, seed=1, padding=padding)
    teacher = with_marginals(random_chains(TEACHER, tags=3, seed=2, padding=2 * padding))
    scores = [each.clone().requires_grad_() for each in (student.emissions, student.transitions,
                                                         student.start, student.end)]  # fmt: skip
    emissions, transitions, start, end = scores
    student = replace(student, emissions=emissions, transitions=transitions, start=start, end=end)
    return student, teacher, scores


def trees(padding=0, factored=False):
    generator = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.double)

    sides = []
    for lengths in (STUDENT, TEACHER):
        longest = max(lengths)
        mask = torch.arange(longest + padding) < torch.tensor(lengths).unsqueeze(1)
        parts = [normal(5, longest, longest + 1)]
        if factored:
            parts += [normal(5, longest + 1, 2), normal(5, longest, 3)]
            shared = normal(4, 2, 3), normal(4)
        else:
            parts += [normal(5, longest, longest + 1, 4)]
        padded = []
        for number, part in enumerate(parts):
            # Padding may hold anything.
            shape = [
                size + padding * (at in (1, 2) or (number > 0 and at == 1))
                for at, size in enumerate(part.shape)
            ]
            if factored and number > 0:
                shape = [part.shape[0], part.shape[1] + padding, part.shape[2]]
            elif number > 0:
                shape = [part.shape[0], part.shape[1] + padding, part.shape[2] + padding, 4]
            filled = torch.full(shape, float("nan"), dtype=torch.double)
            filled[tuple(slice(size) for size in part.shape)] = part
            padded.append(filled)
        sides.append((padded, mask, shared if factored else ()))
    (of_student, mask, shared), (of_teacher, teacher_mask, teacher_shared) = sides
    leaves = [part.requires_grad_() for part in of_student]

    def potentials(parts, mask, shared):
        return TreePotentials(
            parts[0], mask, FactoredLabels(*parts[1:], *shared) if factored else parts[1]
        )

    return (
        potentials(leaves, mask, shared),
        potentials(of_teacher, teacher_mask, teacher_shared),
        leaves,
    )


def loss_of(objective, parts, rows=5):
    found = torch.zeros(rows, dtype=torch.double)
    for part in parts:
        found = found.index_add(0, part.rows, objective(part.student, part.teacher).double())
    return found


def kl(teacher, student):
    p, q = torch.log_softmax(teacher.flatten(), 0), torch.log_softmax(student.flatten(), 0)
    return (p.exp() * (p - q)).sum()


def mean_square(teacher, student):
    return (teacher - student).square().mean()


def variance(teacher, student):
    difference = teacher - student
    return (difference - difference.mean()).square().mean()


class ChainTwin:
    """Goes over all pairs of words and asks which sub-structures both sides have."""

    def __init__(self, student, teacher, row):
        self.sides, self.row = (teacher, student), row
        self.words = dict(PAIRS[row])
        self.lengths = TEACHER[row], STUDENT[row]

    def follows(self, token):
        """Whether a token and the next one are neighbors on both sides."""
        return (
            self.words.get(token) is not None and self.words.get(token + 1) == self.words[token] + 1
        )

    def node(self, token, ends=True):
        found = []
        both = token, self.words[token]
        for side, place in zip(self.sides, (both[1], both[0])):
            score = side.emissions[self.row, place]
            if ends and both == (0, 0):
                score = score + side.start
            if ends and (both[1], both[0]) == tuple(each - 1 for each in self.lengths):
                score = score + side.end
            found.append(score)
        return found

    def edge(self, token, both=True):
        before, node = self.node(token), self.node(token + 1)
        return [
            side.transitions + second + (first.unsqueeze(1) if both else 0)
            for side, first, second in zip(self.sides, before, node)
        ]

    def predictions(self):
        total = 0.0
        for token in self.words:
            if self.follows(token):
                total = total + kl(*self.edge(token))
            elif not self.follows(token - 1):
                total = total + kl(*self.node(token))
        return total

    def raw(self):
        total = 0.0
        for token in self.words:
            table = (
                self.edge(token - 1, both=False) if self.follows(token - 1) else self.node(token)
            )
            total = total + mean_square(*table)
        return total

    def emissions(self):
        return sum(mean_square(*self.node(token, ends=False)) for token in self.words)

    def token(self):
        return sum(kl(*self.node(token, ends=False)) for token in self.words)


@pytest.mark.parametrize(
    "name, objective",
    [
        ("predictions", Substructured()),
        ("raw", Substructured("scores", "raw")),
        ("emissions", Substructured("scores", "emissions")),
        ("token", Token()),
    ],
)
def test_chains_equal_their_twin(name, objective):
    student, teacher, leaves = chains()
    losses = loss_of(objective, parts_of_chains(student, teacher, pairs_tensor()))
    twins = [getattr(ChainTwin(student, teacher, row), name)() for row in range(len(PAIRS))]
    assert_close(losses, torch.stack(twins))
    weights = torch.arange(1.0, 6.0, dtype=torch.double)
    found = torch.autograd.grad(
        (losses * weights).sum(), leaves, retain_graph=True, allow_unused=True
    )
    wanted = torch.autograd.grad((torch.stack(twins) * weights).sum(), leaves, allow_unused=True)
    for ours, expected, leaf in zip(found, wanted, leaves):
        ours = torch.zeros_like(leaf) if ours is None else ours
        assert_close(ours, torch.zeros_like(leaf) if expected is None else expected)


def arcs_twin(student, teacher, function):
    """By word: the scores of the arcs from all aligned heads, and from ROOT."""
    losses = []
    for row, pairs in enumerate(PAIRS):
        total = 0.0
        for token, word in pairs:
            others = [pair for pair in pairs if pair != (token, word)]
            heads = [(0, 0), *((t + 1, w + 1) for t, w in others)]
            of_student = torch.stack([student.arcs[row, token, head] for head, _ in heads])
            of_teacher = torch.stack([teacher.arcs[row, word, head] for _, head in heads])
            total = total + function(of_teacher, of_student)
        losses.append(total)
    return torch.stack(losses)


def labelled_twin(student, teacher):
    """KL over heads, and over the labels of each arc by the teacher's probability of the arc."""
    losses = []
    tables = [side.label_scores() for side in (student, teacher)]
    for row, pairs in enumerate(PAIRS):
        total = 0.0
        for token, word in pairs:
            heads = [(0, 0), *((t + 1, w + 1) for t, w in pairs if (t, w) != (token, word))]
            of_teacher = torch.stack([teacher.arcs[row, word, head] for _, head in heads])
            probabilities = torch.softmax(of_teacher, 0)
            for probability, (head, teacher_head) in zip(probabilities, heads):
                of_label = tables[1][row, word, teacher_head], tables[0][row, token, head]
                total = total + probability * kl(*of_label)
        losses.append(total)
    return torch.stack(losses) + arcs_twin(student, teacher, kl)


@pytest.mark.parametrize("factored", [False, True])
def test_trees_equal_their_twin(factored):
    student, teacher, leaves = trees(factored=factored)
    for objective, twin in (
        (Substructured("scores", "raw", parts="arcs"), arcs_twin(student, teacher, mean_square)),
        (Substructured("scores", parts="arcs"), arcs_twin(student, teacher, variance)),
        (Substructured(), labelled_twin(student, teacher)),
        (Token(), labelled_twin(student, teacher)),
    ):
        losses = loss_of(objective, parts_of_trees(student, teacher, pairs_tensor()))
        assert_close(losses, twin)
        for sums in zip(
            torch.autograd.grad(losses.sum(), leaves, retain_graph=True, allow_unused=True),
            torch.autograd.grad(twin.sum(), leaves, retain_graph=True, allow_unused=True),
        ):
            found, wanted = (torch.zeros(()) if each is None else each for each in sums)
            assert_close(found, wanted)


@pytest.mark.parametrize(
    "objective",
    [
        Substructured(),
        Substructured(window=3),
        Substructured("scores"),
        Substructured("scores", "raw"),
        Substructured("scores", "weighted"),
        Substructured("both", huber=0.1),
        Token(2.0),
    ],
)
def test_no_gradient_where_a_word_is_not_aligned_and_none_from_padding(objective):
    student, teacher, leaves = chains()
    losses = loss_of(objective, parts_of_chains(student, teacher, pairs_tensor()))
    losses.sum().backward()
    for row, pairs in enumerate(PAIRS):
        aligned = {token for token, _ in pairs}
        for token in range(STUDENT[row]):
            moved = bool((leaves[0].grad[row, token] != 0).any())
            assert moved == (token in aligned), (row, token)
    padded, padded_teacher, padded_leaves = chains(padding=3)
    parts = list(parts_of_chains(padded, padded_teacher, pairs_tensor(padding=2)))
    again = loss_of(objective, parts)
    assert_close(again, losses)
    again.sum().backward()
    width = leaves[0].shape[1]
    assert_close(padded_leaves[0].grad[:, :width], leaves[0].grad)
    assert not padded_leaves[0].grad[:, width:].any()
    # One sentence by itself has the loss that it has among others.
    for row, pairs in enumerate(PAIRS):
        sides = (side.select_rows(torch.tensor([row])) for side in (padded, padded_teacher))
        alone = loss_of(objective, parts_of_chains(*sides, pairs_tensor([pairs])), rows=1)
        assert_close(alone, losses[row : row + 1])


@pytest.mark.parametrize("objective", [Substructured(), Substructured("scores"), Token(2.0)])
@pytest.mark.parametrize("factored", [False, True])
def test_no_gradient_of_arcs_that_one_side_has_not(objective, factored):
    student, teacher, leaves = trees(factored=factored)
    losses = loss_of(objective, parts_of_trees(student, teacher, pairs_tensor()))
    losses.sum().backward()
    for row, pairs in enumerate(PAIRS):
        aligned = {token for token, _ in pairs}
        for token in range(STUDENT[row]):
            for head in range(STUDENT[row] + 1):
                shared = (
                    token in aligned and (head == 0 or head - 1 in aligned) and head != token + 1
                )
                # Of a word with one head the distribution is the same on both sides.
                free = shared and len(pairs) > 1
                assert bool(leaves[0].grad[row, token, head] != 0) == free, (row, token, head)
                if not factored and not shared:
                    assert not leaves[1].grad[row, token, head].any()
            if factored and token not in aligned:
                assert (
                    not leaves[1].grad[row, token + 1].any()
                    and not leaves[2].grad[row, token].any()
                )
    padded, padded_teacher, padded_leaves = trees(padding=2, factored=factored)
    again = loss_of(objective, parts_of_trees(padded, padded_teacher, pairs_tensor(padding=1)))
    assert_close(again, losses)
    again.sum().backward()
    width = leaves[0].shape[1]
    assert_close(padded_leaves[0].grad[:, :width, : width + 1], leaves[0].grad)
    assert (
        not padded_leaves[0].grad[:, width:].any() and torch.isfinite(padded_leaves[0].grad).all()
    )


def test_a_whole_sentence_is_one_part():
    student, teacher, _ = chains()
    whole = torch.tensor([3])
    sides = student.select_rows(whole), teacher.select_rows(whole)
    (part,) = parts_of_chains(*sides, pairs_tensor([PAIRS[3]]))
    for found, side in zip((part.student, part.teacher), sides):
        assert torch.equal(found.mask, side.mask[:, :4])
        assert torch.equal(found.emissions, side.emissions[:, :4])
        assert torch.equal(found.start, side.start) and torch.equal(found.end, side.end)


def test_which_objectives_take_parts():
    for objective in (Substructured(), Substructured("both", "weighted"), Token(), Hidden()):
        assert objective.takes_parts
    for objective in (Marginal(), Structural(), TopK(k=2)):
        assert not objective.takes_parts
    assert WeightedSum({"a": Token(), "b": Substructured()}).takes_parts
    assert not WeightedSum({"a": Token(), "b": Marginal()}).takes_parts


# A batch of the tiny task: sentences of 6, 2, 1 and 7 tokens; the first and the last have other words for the teacher.
WORDS = [7, 2, 1, 6]
ALIGNED = [[(0, 0), (1, 1), (3, 4), (4, 5)], [(0, 0), (2, 1), (3, 2), (6, 5)]]


def model(objective, alpha=1.0, teacher=FakeTeacher):
    vocab = vocabulary()
    torch.manual_seed(0)
    built = tagger("crf_tagger_student", vocab, label_encoding="BIO")
    names = list(vocab.get_token_to_index_vocabulary("labels"))
    return Distillation(vocab, built, teacher(names), objective=objective, alpha=alpha)


def batch(found, rows=(0, 1, 2, 3)):
    inputs = tensors(found.vocab, instances())
    inputs["teacher"] = teacher_inputs(WORDS, len(found.teacher.labels), list(rows))
    chosen = [row for row in (0, 3) if row in rows]
    value = pairs_tensor([ALIGNED[row == 3] for row in chosen]) if chosen else None
    alignment = {"rows": torch.tensor(chosen), "value": value} if chosen else None
    return {**inputs, "teacher_alignment": alignment}


@pytest.mark.parametrize("rows", [(0, 1, 2, 3), (0, 3), (1, 3), (0,), (1, 2)])
def test_the_loss_of_a_batch(rows):
    found = model(Substructured())
    inputs = batch(found, rows)
    output = found(**inputs)
    potentials = found.student.potentials(**inputs)
    teacher = found.teacher.potentials(inputs["teacher"]["value"])
    total = 0.0
    for place, row in enumerate(rows):
        sides = (
            potentials.select_rows(torch.tensor([row])),
            teacher.select_rows(torch.tensor([place])),
        )
        pairs = {0: ALIGNED[0], 3: ALIGNED[1]}.get(row, [(at, at) for at in range(WORDS[row])])
        total = total + loss_of(Substructured(), parts_of_chains(*sides, pairs_tensor([pairs])), 1)
    assert_close(output["loss"].double(), total.squeeze() / sum(LENGTHS), rtol=1e-5, atol=1e-6)
    metrics = found.get_metrics(reset=True)
    taught = sum({0: 4, 3: 4}.get(row, WORDS[row]) for row in rows)
    assert metrics["distillation_loss"] == pytest.approx(total.item() / taught, rel=1e-5)
    output["loss"].backward()


def test_agreement_is_of_whole_sentences():
    found = model(Substructured()).eval()
    with torch.no_grad():
        found(**batch(found))
        both = found.get_metrics(reset=True)["agreement"]
        found(**batch(found, (1, 2)))
        assert found.get_metrics(reset=True)["agreement"] == both
        found(**batch(found, (0, 3)))
        assert "agreement" not in found.get_metrics(reset=True)


def test_hidden_states_of_aligned_words():
    found = model(Hidden(projection="linear"), teacher=OpenFakeTeacher)
    inputs = batch(found)
    loss = found(**inputs)["loss"]
    with found._pairing.hidden.recorded() as states:
        found.student.potentials(**inputs)
    (of_student,) = states.values()
    of_teacher = inputs["teacher"]["value"]["emissions"]
    (projection,) = found.objective._projections
    total = 0.0
    for row, length in enumerate(WORDS):
        pairs = {0: ALIGNED[0], 3: ALIGNED[1]}.get(row, [(at, at) for at in range(length)])
        for token, word in pairs:
            difference = projection(of_student[row, token]) - of_teacher[row, word]
            total = total + difference.square().mean()
    assert_close(loss, total / sum(LENGTHS))


def test_an_objective_of_whole_sentences_is_refused():
    found = model(Marginal())
    with pytest.raises(
        ConfigurationError, match='the objective Marginal needs whole.*"teach_parts": false'
    ):
        found(**batch(found))
    assert torch.isfinite(found(**batch(found, (1, 2)))["loss"])  # whole ones are no matter


def test_nan_is_reported_by_its_sentence():
    found = model(Substructured())
    inputs = batch(found)
    inputs["teacher"]["value"]["emissions"][3, 2] = float("nan")
    with pytest.raises(ValueError, match="the teacher's scores of sentence 3"):
        found(**inputs)
