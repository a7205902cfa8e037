import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from torch.testing import assert_close

from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.top_k import TopK
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


@pytest.mark.parametrize("labels", [0, 3])
@pytest.mark.parametrize("weights", ["probability", [0.5]])
def test_the_best_tree(labels, weights):
    student, teacher = (trees.random_potentials([4, 0, 1, 3], labels, seed=s) for s in (0, 1))
    found = TopK(k=1, weights=weights)(student, teacher)
    log_labels = None
    for row, length in enumerate([4, 0, 1, 3]):
        all_trees = trees.all_trees(length, True, False)
        best, best_score = None, -float("inf")
        for heads, score in zip(all_trees, trees.scores_of_all_trees(teacher, row, all_trees)):
            its_labels = []
            for word, head in enumerate(heads):
                if labels:
                    log_labels = teacher.label_scores()[row, word, head].log_softmax(0)
                    score = score + log_labels.max()
                    its_labels.append(int(log_labels.argmax()))
            if float(score) > best_score:
                best, best_score = (heads, its_labels), float(score)
        scores = trees.scores_of_all_trees(student, row, all_trees)
        expected = -scores.log_softmax(0)[all_trees.index(best[0])]
        for word, label in enumerate(best[1]):
            head = best[0][word]
            expected = expected - student.label_scores()[row, word, head].log_softmax(0)[label]
        assert_close(found[row], expected * (0.5 if weights == [0.5] else 1.0))


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
        ({"weights": [1.0, -0.1]}, "at least 0, and one of them more, found .*-0.1"),
        ({"weights": [0.0]}, "one of them more, found \\[0.0\\]"),
        ({"weights": []}, "one of them more, found \\[\\]"),
        ({"weights": [1.0, 0.5], "temperature": 2.0}, "temperature 2.0 is for weights 'prob"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ConfigurationError, match=message):
        TopK(**options)


def test_structures_that_k_does_not_fit_are_refused():
    message = "top_k takes k 1 alone for trees, found k 3"
    with pytest.raises(ConfigurationError, match=message):
        TopK().check("tree", 5)
    pair = [trees.random_potentials([2], 2, seed=s) for s in (0, 1)]
    with pytest.raises(ConfigurationError, match=message):
        TopK()(*pair)
    with pytest.raises(ConfigurationError, match="k is 3, but with 1 label a sentence has 1 seq"):
        TopK().check("chain", 1)
    TopK(k=1).check("tree", 5)
    TopK(k=1).check("chain", 1)
    TopK().check("chain", 2)
