import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from torch.testing import assert_close

from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.top_k import TopK
from allennlp_kd.structs.tree import cross_entropy
from tests.structs.chain import enumeration as chains
from tests.structs.tree import enumeration as trees


def enumerated(student, teacher, k, weights, temperature=1.0):
    """The student's NLL of the teacher's best sequences, by all sequences."""
    losses = []
    for row in range(student.batch_size):
        scores = chains.all_scores(teacher, row)
        nll = -chains.all_scores(student, row).log_softmax(0)
        best = scores.argsort(descending=True)[:k]
        if weights == "probability":
            weighting = (scores[best] / temperature).softmax(0)
        else:
            weighting = torch.tensor(weights[: len(best)], dtype=torch.float64)
        losses.append((weighting * nll[best]).sum())
    return torch.stack(losses)


@pytest.mark.parametrize(
    "k,weights,temperature",
    [
        (1, "probability", 1.0),
        (3, "probability", 1.0),
        (3, "probability", 4.0),
        (3, [1.0, 0.1, 0.1], 1.0),
        (2, [0.0, 2.0], 1.0),
        (10, "probability", 1.0),
    ],
)
def test_chains_against_enumeration(k, weights, temperature):
    """Sentences of no word and of one have fewer sequences than the larger k."""
    student, teacher = (chains.random_potentials(s, 3, lengths=(3, 0, 1, 4, 2)) for s in (0, 1))
    found = TopK(k=k, weights=weights, temperature=temperature)(student, teacher)
    assert_close(found, enumerated(student, teacher, k, weights, temperature))


def test_all_sequences_by_their_probabilities_are_the_cross_entropy():
    student, teacher = (chains.random_potentials(s, 2, lengths=(3, 2, 1)) for s in (0, 1))
    assert_close(TopK(k=8)(student, teacher), chains.cross_entropy(teacher, student))


def test_what_the_student_forbids_and_no_structure_asks_for_counts_nothing():
    """Of two sequences the third and fourth best have tags 0, which the student forbids."""
    student, teacher = (chains.random_potentials(s, 2, lengths=(1,), padding=0) for s in (0, 1))
    for side in (student, teacher):
        side.emissions.data[0, 0, 0] = float("-inf")
    loss = TopK(k=4)(student, teacher)
    loss.sum().backward()
    assert_close(loss, torch.zeros_like(loss))
    assert torch.isfinite(student.emissions.grad).all()


def enumerated_trees(student, teacher, row, k, weights, temperature=1.0):
    """As `enumerated`, of one sentence, by all trees with all labels."""
    length = int(teacher.lengths[row])
    heads = trees.all_trees(length, True, False)
    sides = []
    for side in (student, teacher):
        arcs = trees.scores_of_all_trees(side, row, heads)
        scores = []
        for tree, score in zip(heads, arcs - arcs.logsumexp(0)):
            # Shape: (labels,) * length
            total = score
            for word, head in enumerate(tree if teacher.labels is not None else ()):
                log_labels = side.label_scores()[row, word, head].log_softmax(0)
                total = total.unsqueeze(-1) + log_labels
            scores.append(total.flatten())
        sides.append(torch.cat(scores))
    best = sides[1].argsort(descending=True)[:k]
    if weights == "probability":
        weighting = (sides[1][best] / temperature).softmax(0)
    else:
        weighting = torch.tensor(weights[: len(best)], dtype=torch.float64)
    return -(weighting * sides[0][best]).sum()


@pytest.mark.parametrize("labels,factored", [(0, False), (1, False), (3, True)])
@pytest.mark.parametrize(
    "k,weights,temperature",
    [
        (1, "probability", 1.0),
        (1, [0.5], 1.0),
        (3, "probability", 1.0),
        (3, "probability", 4.0),
        (3, [1.0, 0.1, 0.1], 1.0),
        (2, [0.0, 2.0], 1.0),
        (10, "probability", 1.0),
    ],
)
def test_trees_against_enumeration(labels, factored, k, weights, temperature):
    """A sentence of two words has two trees without labels, of one word one."""
    lengths = [4, 0, 1, 3, 2]
    student, teacher = (
        trees.random_potentials(lengths, labels, factored, seed=s, extra=1) for s in (0, 1)
    )
    found = TopK(k=k, weights=weights, temperature=temperature)(student, teacher)
    expected = [
        enumerated_trees(student, teacher, row, k, weights, temperature)
        for row in range(len(lengths))
    ]
    assert_close(found, torch.stack(expected))


def test_all_trees_by_their_probabilities_are_the_cross_entropy():
    student, teacher = (trees.random_potentials([3, 2, 1], 2, seed=s) for s in (0, 1))
    assert_close(TopK(k=9 * 2**3)(student, teacher), cross_entropy(teacher, student))


def test_of_a_tree_that_both_forbid_nothing_is_asked():
    """Of the two trees of two words the second is forbidden; the third does not exist."""
    student, teacher = (trees.random_potentials([2], seed=s) for s in (0, 1))
    for side in (student, teacher):
        side.arcs[0, 0, 0] = float("-inf")
    student.arcs.requires_grad_()
    loss = TopK(k=3)(student, teacher)
    loss.sum().backward()
    assert_close(loss, torch.zeros_like(loss))
    assert torch.isfinite(student.arcs.grad).all()


def test_weights_from_a_configuration():
    params = Params({"type": "top_k", "weights": [1, 0.1, 0.1]})
    student, teacher = (chains.random_potentials(s, 3, lengths=(3, 1)) for s in (0, 1))
    found = Objective.from_params(params)(student, teacher)
    assert_close(found, enumerated(student, teacher, 3, [1.0, 0.1, 0.1]))


@pytest.mark.parametrize(
    "options,message",
    [
        ({"k": 0}, "k must be at least 1, found 0"),
        ({"weights": "equal"}, "'probability' or a list of numbers, found 'equal'"),
        ({"k": 2, "weights": [1.0, 0.1, 0.1]}, "k is 2, but weights has 3"),
        ({"weights": [1.0, -0.1]}, "at least 0 and at least one of them greater, found .*-0.1"),
        ({"weights": [0.0]}, "at least one of them greater, found \\[0.0\\]"),
        ({"weights": []}, "at least one of them greater, found \\[\\]"),
        ({"weights": [1.0, 0.5], "temperature": 2.0}, "temperature 2.0 needs weights 'prob"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ConfigurationError, match=message):
        TopK(**options)


def test_structures_that_k_does_not_fit_are_refused():
    with pytest.raises(
        ConfigurationError, match="k is 3, but with 1 label a sentence has only 1 seq"
    ):
        TopK().check("chain", 1)
    TopK(k=1).check("chain", 1)
    TopK().check("chain", 2)
    for num_labels in (0, 1, 5):
        TopK().check("tree", num_labels)
