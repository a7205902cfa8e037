import random

import pytest
import torch
from allennlp.training.util import get_metrics

from allennlp_kd.models import crf_tagger_student
from allennlp_kd.models.distillation import Distillation
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.structs.chain import log_node_marginals
from tests.models.fake_teacher import FakeTeacher
from tests.models.small_distillation import LENGTHS, WORDS, batch, expected_terms, model
from tests.models.tagging import tagger, vocabulary


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    "rows, gold_rows", [([0, 1, 2, 3], [0, 1, 2, 3]), ([1, 2], [0, 3]), ([2], []), ([], [1, 2])]
)
def test_the_loss_is_the_terms_over_the_words_of_the_batch(alpha, rows, gold_rows):
    found = model(alpha)
    outputs = found(**batch(found, rows, gold_rows))
    gold, distillation = expected_terms(found, rows, gold_rows)
    expected = ((1 - alpha) * gold + alpha * distillation) / WORDS
    assert float(outputs["loss"]) == pytest.approx(expected, rel=1e-5)
    assert outputs["batch_words"] == WORDS
    outputs["loss"].backward()
    # Each term is logged unweighted, over its own words, and only if it was computed.
    metrics = found.get_metrics()
    expected = {}
    if gold_rows and alpha < 1:
        expected["gold_loss"] = gold / sum(LENGTHS[row] for row in gold_rows)
    if rows and alpha > 0:
        expected["distillation_loss"] = distillation / sum(LENGTHS[row] for row in rows)
    assert metrics == pytest.approx(expected, rel=1e-5)
    assert all(type(value) is float for value in metrics.values())


def test_the_logged_terms_are_means_over_the_words_of_an_epoch():
    found = model(0.5)
    sums = [0.0, 0.0]
    for rows, gold_rows in (([0], [1, 2]), ([1, 3], [3])):
        found(**batch(found, rows, gold_rows))
        for term, value in enumerate(expected_terms(found, rows, gold_rows)):
            sums[term] += value
    metrics = get_metrics(found, 1.0, None, None, None, num_batches=2, reset=True)
    assert metrics["gold_loss"] == pytest.approx(sums[0] / (2 + 1 + 7), rel=1e-5)
    assert metrics["distillation_loss"] == pytest.approx(sums[1] / (6 + 2 + 7), rel=1e-5)
    assert metrics["loss"] == 0.5
    assert found.get_metrics() == {}


def test_a_term_of_weight_0_is_not_computed(monkeypatch):
    found = model(alpha=0.0)
    found(**batch(found))["loss"].backward()
    found.eval()(**batch(found))
    assert found.teacher.calls == 0 and not found.objective.seen
    found = model(alpha=1.0)
    monkeypatch.setattr(
        crf_tagger_student, "nll", lambda *_: pytest.fail("the dynamic program was run")
    )
    monkeypatch.setattr(type(found.student.crf), "forward", crf_tagger_student.nll)
    found(**batch(found))["loss"].backward()
    assert "loss" in found.eval()(**batch(found))
    assert found.teacher.calls == 2


def test_training_does_not_decode(monkeypatch):
    found = model()
    monkeypatch.setattr(crf_tagger_student, "viterbi", lambda *_: pytest.fail("decoded"))
    outputs = found(**batch(found))
    assert outputs.keys() == {"loss", "batch_words"}


def test_the_teacher_has_no_gradient_and_the_student_one_for_each_weight():
    found = model(alpha=0.5)
    found(**batch(found, [1], [2]))["loss"].backward()
    student, teacher = found.objective.seen[0]
    assert not teacher.emissions.requires_grad
    weights = [p for p in found.parameters() if p.requires_grad]
    assert all(weight.grad is not None for weight in weights)
    # Also where a batch has neither gold nor teacher inputs.
    found.zero_grad(set_to_none=True)
    outputs = found(**batch(found, [], []))
    outputs["loss"].backward()
    assert float(outputs["loss"]) == 0.0
    assert all(weight.grad is not None and not weight.grad.any() for weight in weights)


def test_labels_are_matched_by_name():
    plain = model()
    names = plain.student.labels
    plain(**batch(plain))
    # The same scores, from a teacher that has its labels in another order.
    order = [2, 0, 3, 1]
    teacher = FakeTeacher([names[index] for index in order])
    teacher.transitions = plain.teacher.transitions[order][:, order]
    permuted = model(teacher=teacher)
    inputs = batch(plain)
    inputs["teacher"]["value"]["emissions"] = inputs["teacher"]["value"]["emissions"][..., order]
    permuted(**inputs)
    for found, expected in zip(permuted.objective.seen[0], plain.objective.seen[0]):
        assert torch.equal(found.emissions, expected.emissions)
        assert torch.equal(found.transitions, expected.transitions)


def test_under_the_shared_policy_the_other_labels_take_no_part():
    names = model().student.labels
    found = model(labels=["X", names[3], names[0]], labels_policy="shared").eval()
    outputs = found(**batch(found))
    student, teacher = found.objective.seen[0]
    assert student.num_tags == teacher.num_tags == 2
    own = found.student.potentials(**batch(found)).emissions
    scores = batch(found)["teacher"]["value"]["emissions"]
    tags = [names.index(name) for name in (names[0], names[3])]
    if not torch.equal(student.emissions, own[..., tags]):  # the order is the alignment's choice
        tags.reverse()
    assert torch.equal(student.emissions, own[..., tags])
    places = {0: 2, 3: 1}
    assert torch.equal(teacher.emissions, scores[..., [places[tag] for tag in tags]])
    # The teacher decodes to labels that both know, the student to any.
    found.agreement_by_label = True
    metrics = found.get_metrics(reset=True)
    decoded = {key for key in metrics if key.startswith("agreement/")}
    assert decoded and decoded <= {f"agreement/{names[0]}", f"agreement/{names[3]}"}
    assert "tags" in outputs


def test_the_state_is_the_students():
    found = model()
    state = found.state_dict()
    assert list(state) == list(found.student.state_dict())
    other = model()
    for parameter in other.parameters():
        parameter.data.zero_()
    other.load_state_dict(state)
    assert all(torch.equal(a, b) for a, b in zip(other.parameters(), found.parameters()))
    with pytest.raises(RuntimeError, match="crf.transitions"):
        other.load_state_dict({k: v for k, v in state.items() if k != "crf.transitions"})
    assert found.get_regularization_penalty() is None
    found.student._regularizer = lambda module: (
        torch.tensor(2.0) if module is found.student else None
    )
    assert float(found.get_regularization_penalty()) == 2.0
    names = found.get_parameters_for_histogram_logging()
    assert names == [name for name, _ in found.named_parameters()]
    found.extend_embedder_vocab()


def test_the_same_seed_gives_the_same_gradients():
    gradients = []
    for _ in range(2):
        random.seed(0), torch.manual_seed(0)
        found = model()
        found(**batch(found, [0, 2]))["loss"].backward()
        gradients.append([p.grad for p in found.parameters() if p.grad is not None])
    assert gradients[0] and all(torch.equal(a, b) for a, b in zip(*gradients))


def test_the_objective_is_substructured_if_none_is_given():
    vocab = vocabulary()
    student = tagger("crf_tagger_student", vocab)
    found = Distillation(vocab, student, FakeTeacher(student.labels))
    assert type(found.objective) is Objective.by_name("substructured")
    assert float(found(**batch(found))["loss"]) > 0


class KnowingTeacher(FakeTeacher):
    provides = frozenset({"marginals"})


def test_marginals_are_of_all_labels_of_the_teacher_and_renormalized():
    """With the labels that both have, and whatever the temperature is."""
    plain = model()
    labels = plain.student.labels
    teacher = KnowingTeacher([*labels[1:], "unknown"])
    seen = []

    class Seeing(Substructured):
        def __call__(self, student, teacher):
            seen.append(teacher)
            return super().__call__(student, teacher)

    objective = Seeing(match="scores", form="weighted", temperature=2.0)
    found = Distillation(plain.vocab, plain.student, teacher, objective, 1.0, labels="shared")
    inputs = batch(found)
    found(**inputs)["loss"].backward()
    expected = log_node_marginals(teacher.potentials(inputs["teacher"]["value"])).exp()
    expected = expected[..., : len(labels) - 1]
    expected = expected / expected.sum(-1, keepdim=True)
    words = seen[0].mask
    torch.testing.assert_close(seen[0].marginals[words], expected[words])
