import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Vocabulary

from allennlp_kd.models import crf_tagger_student
from allennlp_kd.models.crf_tagger_student import CrfTaggerStudent
from tests.models.tagging import instances, tagger, tensors, vocabulary

WEIGHTS = {"O": 0.5, "B-N": 2.0}
VARIANTS = {
    "plain": {},
    "constrained": {"label_encoding": "BIO"},
    "no start or end": {"label_encoding": "BIO", "include_start_end_transitions": False},
    "unconstrained": {
        "label_encoding": "BIO",
        "constrain_crf_decoding": False,
        "verbose_metrics": True,
    },
    "verbose, no spans": {"verbose_metrics": True},
    "k best": {"label_encoding": "BIO", "top_k": 4},
    "feedforward": {
        "feedforward": {
            "input_dim": 8,
            "num_layers": 1,
            "hidden_dims": 6,
            "activations": "relu",
        },
        "initializer": {"regexes": [[".*projection.*weight", {"type": "normal", "std": 2.0}]]},
    },
    "emission weights": {"label_encoding": "BIO", "label_weights": WEIGHTS},
    "transition weights": {"label_weights": WEIGHTS, "weight_strategy": "emission_transition"},
    "lannoy": {"label_weights": WEIGHTS, "weight_strategy": "lannoy"},
    "spans only": {"label_encoding": "BIO", "ignore_loss_on_o_tags": True},
}


def pair(seed=0, encoding="BIO", **changes):
    """The stock tagger and the student of the same configuration and seed."""
    vocab = vocabulary(encoding)
    models = []
    for model_type in ("crf_tagger", "crf_tagger_student"):
        torch.manual_seed(seed)
        models.append(tagger(model_type, vocab, **changes))
    return models, tensors(vocab, instances(encoding))


def spread(models, seed):
    """Scores that are far apart, the same in both models."""
    torch.manual_seed(seed)
    for parameter, other in zip(models[0].parameters(), models[1].parameters()):
        if parameter.requires_grad:
            parameter.data.normal_(std=1.5)
            other.data.copy_(parameter.data)


@pytest.mark.parametrize("name", VARIANTS)
def test_weights_are_stocks_from_the_first_step_on(name):
    (stock, student), _ = pair(**VARIANTS[name])
    expected, found = stock.state_dict(), student.state_dict()
    assert list(expected) == list(found)
    assert all(torch.equal(expected[key], found[key]) for key in expected)


@pytest.mark.parametrize("name", VARIANTS)
def test_loss_and_gradients_are_stocks(name):
    (stock, student), batch = pair(dropout=0.3, **VARIANTS[name])
    spread((stock, student), seed=1)
    losses = []
    for model in (stock, student):
        torch.manual_seed(7)  # the same dropout
        losses.append(model(**batch)["loss"])
        losses[-1].backward()
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-5, atol=1e-4)
    for (key, expected), found in zip(stock.named_parameters(), student.parameters()):
        if expected.grad is not None:
            torch.testing.assert_close(found.grad, expected.grad, rtol=1e-3, atol=1e-4, msg=key)
    assert any(parameter.grad is not None for parameter in stock.parameters())


def test_the_argument_of_forward_overrules_the_parameter():
    (stock, student), batch = pair()
    losses = [
        [
            float(model(**batch, ignore_loss_on_o_tags=value)["loss"])
            for value in (True, False, None)
        ]
        for model in (stock, student)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[0][0] != pytest.approx(losses[0][1], rel=1e-3)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", VARIANTS)
def test_outputs_and_metrics_are_stocks_in_evaluation(name, seed):
    (stock, student), batch = pair(**VARIANTS[name])
    spread((stock, student), seed)
    stock.eval(), student.eval()
    for _ in range(2):
        expected, found = stock(**batch), student(**batch)
    assert found.keys() == expected.keys()
    assert found["words"] == expected["words"] and found["tags"] == expected["tags"]
    for key in ("logits", "mask", "loss"):
        torch.testing.assert_close(found[key], expected[key], rtol=1e-5, atol=1e-4)
    if "top_k_tags" in expected:
        for best, stock_best in zip(found["top_k_tags"], expected["top_k_tags"]):
            # Where fewer than k are allowed, stock goes on to others, some of them twice.
            stock_best = [(list(tags), score) for tags, score in stock_best if score > -5000]
            assert [tags for tags, _ in best] == [tags for tags, _ in stock_best]
            assert [s for _, s in best] == pytest.approx([s for _, s in stock_best], abs=1e-4)
        assert [len(best) for best in found["top_k_tags"]] == [4, 4, 3, 4]
    metrics = student.get_metrics(reset=True)
    assert metrics == pytest.approx(stock.get_metrics(reset=True))
    assert all(type(value) is float for value in metrics.values())
    readable = student.make_output_human_readable(found)
    expected = stock.make_output_human_readable(expected)
    assert readable["tags"] == expected["tags"]


def test_instances_without_tags_are_decoded_as_stock_does():
    (stock, student), _ = pair(label_encoding="BIO")
    spread((stock, student), seed=5)
    sentences = instances(sentences=[("a dog", None), ("the cat saw dogs bark", None)])
    outputs = []
    for model in (stock, student):
        model.eval()
        outputs.append(model.forward_on_instances(sentences))
    for expected, found in zip(*outputs):
        assert found.keys() == expected.keys() and "loss" not in found
        assert found["tags"] == expected["tags"]


def test_where_all_sequences_are_forbidden_the_best_one_is_stocks():
    vocab = Vocabulary(tokens_to_add={"labels": ["I-N", "I-V"], "tokens": ["dog", "cat"]})
    models = []
    for model_type in ("crf_tagger", "crf_tagger_student"):
        torch.manual_seed(0)
        models.append(tagger(model_type, vocab, label_encoding="BIO").eval())
    batch = tensors(vocab, instances(sentences=[("dog cat dog", None)]))
    assert models[1](**batch)["tags"] == models[0](**batch)["tags"]


def test_a_training_forward_does_not_decode(monkeypatch):
    (_, student), batch = pair(label_encoding="BIO", top_k=3, verbose_metrics=True)

    def refuse(*args):
        raise AssertionError("decoded")

    monkeypatch.setattr(crf_tagger_student, "viterbi", refuse)
    monkeypatch.setattr(crf_tagger_student, "k_best", refuse)
    outputs = student(**batch)
    assert "loss" in outputs and "tags" not in outputs
    assert student.make_output_human_readable(outputs) is outputs
    assert student.get_metrics(reset=True) == {}
    monkeypatch.undo()
    student.eval()(**batch)
    assert "f1-measure-overall" in student.get_metrics() and "accuracy3" in student.get_metrics()
    student.get_metrics(reset=True)
    assert student.get_metrics() == {}


@pytest.mark.parametrize("encoding", ["BIO", "BIOUL"])
def test_potentials_are_stocks_scores(encoding):
    (stock, student), batch = pair(encoding=encoding, label_encoding=encoding)
    potentials = student.potentials(**batch)
    stock.eval()
    torch.testing.assert_close(potentials.emissions, stock(**batch)["logits"])
    assert torch.equal(potentials.transitions, stock.crf.transitions)
    assert torch.equal(potentials.start, stock.crf.start_transitions)
    assert torch.equal(potentials.end, stock.crf.end_transitions)
    assert potentials.mask.sum() == 16
    assert student.labels[0] == "B-N" and len(student.labels) == student.num_tags


def test_gold_of_some_sentences_may_be_narrower():
    (_, student), batch = pair()
    potentials = student.potentials(**batch).select_rows(torch.tensor([1, 2]))
    wide = student.gold_loss(potentials, batch["tags"][1:3])
    narrow = student.gold_loss(potentials, batch["tags"][1:3, :2])
    assert float(wide) == pytest.approx(float(narrow))


def test_decisions_are_the_tags_with_padding_marked():
    (_, student), batch = pair(label_encoding="BIO")
    outputs = student.eval()(**batch)
    labels = student.decisions(outputs)["labels"]
    assert [[tag for tag in row if tag >= 0] for row in labels.tolist()] == outputs["tags"]
    assert torch.equal(labels >= 0, batch["tokens"]["tokens"]["tokens"] > 0)


def test_stocks_errors_are_kept():
    vocab = vocabulary()
    with pytest.raises(ConfigurationError, match="no label_encoding was specified"):
        tagger("crf_tagger_student", vocab, calculate_span_f1=True)
    with pytest.raises(ConfigurationError, match="'X' not found in vocab"):
        tagger("crf_tagger_student", vocab, label_weights={"X": 1.0})


def test_it_is_a_student_and_a_stock_tagger():
    (stock, student), _ = pair()
    assert isinstance(student, CrfTaggerStudent) and isinstance(student, type(stock))
    assert student.default_predictor == "tagger_student"
