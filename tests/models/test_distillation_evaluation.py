import pytest

from allennlp_kd.structs.chain import viterbi
from tests.models.small_distillation import LENGTHS, WORDS, batch, expected_terms, model
from tests.models.tagging import instances, tensors


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
