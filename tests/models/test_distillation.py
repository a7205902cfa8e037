import random

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.training.util import get_metrics

from allennlp_kd.models import crf_tagger_student
from allennlp_kd.models.distillation import Distillation
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.chain import viterbi
from tests.models.fake_teacher import FakeTeacher, SquaredDifference, teacher_inputs
from tests.models.tagging import instances, tagger, tensors, vocabulary

LENGTHS = [6, 2, 1, 7]
WORDS = 16


def model(alpha=0.5, labels=None, teacher=None, student="crf_tagger_student", **changes):
    vocab = vocabulary()
    torch.manual_seed(0)
    built = tagger(student, vocab, label_encoding="BIO")
    names = labels or list(vocab.get_token_to_index_vocabulary("labels"))
    teacher = teacher or FakeTeacher(names)
    objective = SquaredDifference()
    if "labels_policy" in changes:
        changes["labels"] = changes.pop("labels_policy")
    return Distillation(vocab, built, teacher, objective=objective, alpha=alpha, **changes)


def batch(found, rows=None, gold_rows=None):
    """All sentences; those of `rows` with teacher inputs, those of `gold_rows` with gold."""
    inputs = tensors(found.vocab, instances())
    inputs["teacher"] = teacher_inputs(LENGTHS, len(found.teacher.labels), rows)
    if gold_rows is not None:
        width = max((LENGTHS[row] for row in gold_rows), default=0)
        tags = inputs["tags"][gold_rows][:, :width]
        index = torch.tensor(gold_rows)
        inputs["tags"] = {"rows": index, "value": tags} if gold_rows else None
    return inputs


def expected_terms(found, rows, gold_rows):
    """Sentence by sentence."""
    inputs = batch(found)
    potentials = found.student.potentials(**inputs)
    gold = [
        float(found.student(**tensors(found.vocab, [instances()[row]]))["loss"])
        for row in gold_rows
    ]
    teacher = found.teacher.potentials(inputs["teacher"]["value"])
    losses = SquaredDifference()(potentials, teacher)
    return sum(gold), float(losses[rows].sum())


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
        crf_tagger_student, "nll", lambda *_: pytest.fail("the dynamic programme was run")
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


def test_in_evaluation_the_students_output_comes_with_the_loss_and_the_metrics():
    found = model(alpha=0.3)
    found.eval()
    outputs = found(**batch(found))
    alone = found.student(**{k: v for k, v in batch(found).items() if k != "teacher"})
    assert outputs.keys() == alone.keys() and outputs["tags"] == alone["tags"]
    gold, distillation = expected_terms(found, range(4), range(4))
    expected = (0.7 * gold + 0.3 * distillation) / WORDS
    assert float(outputs["loss"]) == pytest.approx(expected, rel=1e-5)
    metrics = found.get_metrics(reset=True)
    assert {"accuracy", "f1-measure-overall", "agreement", "gold_loss"} <= metrics.keys()
    assert found.get_metrics() == {}


def test_in_evaluation_without_teacher_inputs_there_is_the_student_alone():
    found = model(alpha=1.0).eval()
    inputs = batch(found)
    del inputs["teacher"]
    outputs = found(**inputs)
    alone = found.student(**inputs)
    assert outputs["tags"] == alone["tags"]
    assert float(outputs["loss"]) == pytest.approx(float(alone["loss"]) / WORDS, rel=1e-5)
    assert found.teacher.calls == 0
    assert "agreement" not in found.get_metrics()
    del inputs["tags"]
    assert "loss" not in found(**inputs)
    sentences = instances(sentences=[("a dog", None)])
    readable = found.forward_on_instances(sentences)[0]
    assert readable["tags"] == found.student.forward_on_instances(sentences)[0]["tags"]


@pytest.mark.parametrize("gold_rows", [[0, 1, 2, 3], [1, 3], [2], []])
def test_metrics_count_the_sentences_with_gold(gold_rows):
    found = model().eval()
    found(**batch(found, [0], gold_rows))
    metrics = found.get_metrics(reset=True)
    if gold_rows:
        found.student(**tensors(found.vocab, [instances()[row] for row in gold_rows]))
    expected = found.student.get_metrics(reset=True)
    assert {key: metrics[key] for key in expected} == expected
    assert ("accuracy" in metrics) == bool(gold_rows)


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [1, 2], [3]])
def test_agreement_is_with_the_constrained_best_tags_of_the_teacher(rows):
    found = model().eval()
    outputs = found(**batch(found, rows))
    inputs = batch(found)["teacher"]["value"]
    constrained = found.student._constrained(found.teacher.potentials(inputs), -10000.0)
    best = viterbi(constrained)[0].tolist()
    pairs = [(a, b) for row in rows for a, b in zip(outputs["tags"][row], best[row])]
    assert len(pairs) == sum(LENGTHS[row] for row in rows)
    same = sum(a == b for a, b in pairs)
    assert found.get_metrics()["agreement"] == pytest.approx(same / len(pairs))
    found.agreement_by_label = True
    metrics = found.get_metrics(reset=True)
    for index, name in enumerate(found.student.labels):
        of_label = [a == b for a, b in pairs if b == index]
        key = f"agreement/{name}"
        assert (key in metrics) == bool(of_label)
        if of_label:
            assert metrics[key] == pytest.approx(sum(of_label) / len(of_label))
    assert found.last_agreement


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


@pytest.mark.parametrize("alpha", [-0.1, 1.5, float("nan")])
def test_alpha_must_be_a_share(alpha):
    with pytest.raises(ConfigurationError, match=f"lie in \\[0, 1\\], found {alpha}"):
        model(alpha)
    with pytest.raises(ConfigurationError, match=f"found {alpha}"):
        model().alpha = alpha


def test_a_stock_tagger_is_no_student():
    with pytest.raises(ConfigurationError, match="such as crf_tagger_student, found CrfTagger"):
        model(student="crf_tagger")


def test_structures_must_go_together():
    teacher = FakeTeacher(["a"], structure="tree")
    with pytest.raises(ConfigurationError, match="student's structure is chain, the teacher's tree"):
        model(teacher=teacher)


def test_the_objective_is_substructured_if_none_is_given():
    vocab = vocabulary()
    student = tagger("crf_tagger_student", vocab)
    found = Distillation(vocab, student, FakeTeacher(student.labels))
    assert type(found.objective) is Objective.by_name("substructured")
    assert float(found(**batch(found))["loss"]) > 0


def test_a_chain_has_nothing_but_labels():
    with pytest.raises(ConfigurationError, match='policy "none" is for trees .* structure chain'):
        model(labels_policy="none")


def test_training_without_teacher_inputs_says_what_the_reader_must_be():
    found = model()
    inputs = batch(found)
    del inputs["teacher"]
    with pytest.raises(ConfigurationError, match='reader must be of type "distillation"'):
        found(**inputs)
    found.alpha = 0.0
    assert "loss" in found(**inputs)
    found = model()
    found(**batch(found, rows=[]))
    assert "gold_loss" in found.get_metrics()
    with pytest.raises(ConfigurationError, match="all sentences of an epoch have no teacher inputs"):
        found.get_metrics(reset=True)
    found = model()
    found(**batch(found, rows=[2]))
    found.get_metrics(reset=True)
    found(**batch(found, rows=[]))
    assert found.get_metrics(reset=True).keys() == {"gold_loss"}


def test_a_teacher_that_has_scored_other_words_is_refused():
    found = model()
    inputs = batch(found)
    inputs["teacher"]["value"]["words"][1] = 1
    with pytest.raises(ValueError, match="scored 1 words of a sentence of 2 .number 1 of"):
        found(**inputs)
    inputs = batch(found)
    inputs["teacher"] = {"rows": torch.tensor([0]), "value": inputs["teacher"]["value"]}
    with pytest.raises(ValueError, match="1 sentences have teacher inputs, .* has scored 4"):
        found(**inputs)


@pytest.mark.parametrize("side", ["teacher", "student"])
def test_scores_that_are_no_numbers_are_refused(side):
    found = model()
    inputs = batch(found, rows=[0, 1])
    if side == "teacher":
        inputs["teacher"]["value"]["emissions"][1, 0, 2] = float("nan")
    else:
        found.student.tag_projection_layer._module.bias.data[0] = float("nan")
    row = 1 if side == "teacher" else 0
    with pytest.raises(ValueError, match=f"the {side}'s scores of sentence {row} .* hold NaN"):
        found(**inputs)
