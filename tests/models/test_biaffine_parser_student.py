import pytest
import torch
from allennlp.common.checks import ConfigurationError
from torch.testing import assert_close

from allennlp_kd.models import biaffine_parser_student
from allennlp_kd.models.biaffine_parser_student import BiaffineParserStudent
from allennlp_kd.models.stock_tree_decoding import stock_trees
from allennlp_kd.structs.tree import TreePotentials, maximum_spanning_tree
from tests.models.parsing import SENTENCES, instances, parser, vocabulary
from tests.models.tagging import tensors
from tests.structs.tree.enumeration import all_trees

POS = {"embedding_dim": 3, "vocab_namespace": "pos"}
WIDER = {"type": "lstm", "input_size": 8, "hidden_size": 4, "bidirectional": True}
VARIANTS = {
    "plain": {},
    "dropout": {"dropout": 0.4, "input_dropout": 0.3},
    "part of speech": {"pos_tag_embedding": POS, "encoder": WIDER},
    "greedy": {"use_mst_decoding_for_validation": False},
    "feedforward": {
        "arc_feedforward": {
            "input_dim": 8, "num_layers": 2, "hidden_dims": 7, "activations": "relu"
        },
        "initializer": {"regexes": [["tag_bilinear.*", {"type": "normal", "std": 2.0}]]},
    },
}  # fmt: skip


def pair(seed=0, spread=False, sentences=SENTENCES, **changes):
    """The stock parser and the student of the same configuration and seed, and a batch."""
    vocab = vocabulary()
    models = []
    for model_type, options in (("biaffine_parser", {}), ("biaffine_parser_student", changes)):
        torch.manual_seed(seed)
        shared = {name: value for name, value in changes.items() if name != "decoder"}
        models.append(parser(model_type, vocab, **{**shared, **options}))
    if spread:  # scores that are far apart, the same in both models
        for parameter, other in zip(models[0].parameters(), models[1].parameters()):
            parameter.data.normal_()
            other.data.copy_(parameter.data)
    return models, tensors(vocab, instances(sentences))


def without_gold(batch):
    return {name: value for name, value in batch.items() if not name.startswith("head_")}


@pytest.mark.parametrize("name", VARIANTS)
def test_weights_are_stocks_from_the_first_step_on(name):
    (stock, student), _ = pair(**VARIANTS[name])
    expected, found = stock.state_dict(), student.state_dict()
    assert list(expected) == list(found)
    assert all(torch.equal(expected[key], found[key]) for key in expected)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", VARIANTS)
def test_loss_and_gradients_are_stocks(name, training):
    (stock, student), batch = pair(spread=True, **VARIANTS[name])
    outputs = []
    for model in (stock, student):
        model.train(training)
        torch.manual_seed(7)  # the same dropout
        outputs.append(model(**batch))
        outputs[-1]["loss"].backward()
    for part in ("loss", "arc_loss", "tag_loss"):
        assert_close(outputs[1][part], outputs[0][part], rtol=1e-5, atol=1e-5)
    for (key, expected), found in zip(stock.named_parameters(), student.parameters()):
        assert_close(found.grad, expected.grad, rtol=1e-3, atol=1e-5, msg=key)
        assert expected.grad.abs().sum() > 0 or key == "arc_attention._bias"


def test_a_word_as_its_own_head_has_a_part_in_the_loss():
    (_, student), batch = pair(spread=True)
    gold = {name: batch.pop(name) for name in student.gold_fields}
    potentials = student.potentials(**batch)
    without = TreePotentials(potentials.arc_scores, potentials.mask, potentials.labels)
    loss = student.gold_loss(potentials, **gold)
    assert loss > student.gold_loss(without, **gold)
    words = int(potentials.lengths.sum())
    assert_close(loss / words, student(**batch, **gold)["loss"])


def test_gold_loss_of_some_rows_of_narrower_gold():
    (_, student), batch = pair(spread=True)
    potentials = student.potentials(**without_gold(batch))
    gold = {name: batch[name] for name in student.gold_fields}
    total = student.gold_loss(potentials, **gold)
    parts = 0.0
    for rows, width in (([0, 3], 7), ([1, 2, 4], 4)):
        index = torch.tensor(rows)
        narrow = {name: value[index][:, :width] for name, value in gold.items()}
        parts += student.gold_loss(potentials.select_rows(index), **narrow)
    assert_close(parts, total)


def test_a_training_forward_decodes_nothing_and_inference_has_no_loss(monkeypatch):
    (_, student), batch = pair()
    assert {"heads", "head_tags"} <= set(student.eval()(**batch))
    assert "loss" not in student(**without_gold(batch))
    assert "arc_loss" not in student(**without_gold(batch))
    student.get_metrics(reset=True)

    def fail(*args, **kwargs):
        raise AssertionError("decoded in training")

    monkeypatch.setattr(biaffine_parser_student, "maximum_spanning_tree", fail)
    monkeypatch.setattr(BiaffineParserStudent, "decode", fail)
    monkeypatch.setattr(BiaffineParserStudent, "_greedy_decode", fail)
    monkeypatch.setattr(BiaffineParserStudent, "_mst_decode", fail)
    outputs = student.train()(**batch)
    assert set(outputs) == {"mask", "words", "pos", "loss", "arc_loss", "tag_loss"}
    assert student.get_metrics(reset=True) == {}
    assert student.make_output_human_readable(outputs) is outputs


class TestDecoders:
    @pytest.mark.parametrize("seed", range(6))
    def test_stock_is_stocks(self, seed):
        (stock, student), batch = pair(seed, spread=True, decoder="stock")
        expected, found = stock.eval()(**batch), student.eval()(**batch)
        mask = expected["mask"]
        assert torch.equal(found["mask"], mask)
        for part in ("heads", "head_tags"):  # what stock leaves in padded cells is anything
            assert torch.equal(found[part][mask].long(), expected[part][mask].long())
        assert found["words"] == expected["words"] and found["pos"] == expected["pos"]

    @pytest.mark.parametrize("seed", range(3))
    def test_greedy_is_stocks(self, seed):
        (stock, student), batch = pair(seed, spread=True, use_mst_decoding_for_validation=False)
        expected, found = stock.eval()(**batch), student.eval()(**batch)
        mask = expected["mask"][:, 1:]
        for part in ("heads", "head_tags"):
            assert torch.equal(found[part][:, 1:][mask], expected[part][:, 1:][mask])

    @pytest.mark.parametrize("seed", range(3))
    def test_exact_is_the_best_tree(self, seed):
        (_, student), batch = pair(seed, spread=True, sentences=SENTENCES[1:])
        found = student.eval()(**batch)
        potentials = student.potentials(**without_gold(batch))
        log_arcs = torch.log_softmax(potentials.arc_scores, dim=2)
        log_labels, labels = torch.log_softmax(potentials.label_scores(), dim=3).max(dim=3)
        scores = log_arcs + log_labels
        for row, length in enumerate([2, 1, 5, 4]):
            trees = all_trees(length, True, False)
            totals = [sum(scores[row, w, h].item() for w, h in enumerate(heads)) for heads in trees]
            best = trees[totals.index(max(totals))]
            assert found["heads"][row].tolist() == [0] + list(best) + [0] * (5 - length)
            expected = [labels[row, word, head].item() for word, head in enumerate(best)]
            assert found["head_tags"][row].tolist() == [0] + expected + [0] * (5 - length)

    def test_they_differ(self):
        # To stock the second word is torn between the first and itself.
        arcs = torch.tensor([[[0.0, -9.0, 0.0], [0.0, 1.0, 5.0]]])
        potentials = TreePotentials(arcs, torch.ones(1, 2, dtype=torch.bool))
        assert stock_trees(potentials)[0].tolist() == [[2, 0]]
        assert maximum_spanning_tree(potentials)[0].tolist() == [[0, 1]]
        arcs[0, 1, 2] = -9.0
        assert stock_trees(potentials)[0].tolist() == [[0, 1]]

    @pytest.mark.parametrize("decoder", ["exact", "stock"])
    @pytest.mark.parametrize("searching", [True, False])
    def test_arcs_without_labels_and_unknown_diagonals(self, decoder, searching):
        # What a stored teacher's potentials may look like.
        (_, student), batch = pair(
            decoder=decoder, use_mst_decoding_for_validation=searching, spread=True
        )
        own = student.potentials(**without_gold(batch)).detach()
        arcs = own.arcs.masked_fill(~own.arc_mask, float("nan"))
        outputs = student.decode(TreePotentials(arcs, own.mask))
        decided = student.decisions(outputs)
        assert set(decided) == {"heads"}
        assert (decided["heads"][~own.mask] == -1).all() and (decided["heads"][own.mask] >= 0).all()
        whole = student.decisions(student.decode(TreePotentials(arcs, own.mask, own.labels)))
        assert set(whole) == {"heads", "labels"}
        if decoder == "exact" or not searching:
            assert torch.equal(whole["heads"], student.decisions(student.decode(own))["heads"])

    def test_unknown(self):
        with pytest.raises(ConfigurationError, match="one of exact, stock, found 'mst'"):
            parser("biaffine_parser_student", vocabulary(), decoder="mst")


class TestMetrics:
    @pytest.mark.parametrize("seed", range(3))
    def test_those_of_stock(self, seed):
        (stock, student), batch = pair(seed, spread=True, decoder="stock")
        for model in (stock, student):
            model.eval()(**batch)
            model(**batch)
        expected, found = stock.get_metrics(reset=True), student.get_metrics(reset=True)
        assert {name: found[name] for name in expected} == expected
        assert all(type(value) is float for value in found.values())
        assert student.get_metrics() == {}

    def test_over_all_words(self):
        (_, student), batch = pair()
        outputs = student._output(student.potentials(**without_gold(batch)), None)
        heads, labels = batch["head_indices"].clone(), batch["head_tags"].clone()
        names = {label: index for index, label in enumerate(student.labels)}
        # Two heads wrong, one of them of a punctuation mark.
        heads[0, 0], heads[0, 6] = 2, 1
        labels[0, 3], labels[3, 0] = names["obj"], names["amod"]
        outputs["heads"] = torch.nn.functional.pad(heads, (1, 0))
        outputs["head_tags"] = torch.nn.functional.pad(labels, (1, 0))
        student.record(outputs, **batch)
        metrics = student.get_metrics(reset=True)
        assert metrics["UAS"] == 15 / 16 and metrics["LAS"] == 13 / 16
        assert metrics["UEM"] == 4 / 5 and metrics["LEM"] == 3 / 5
        assert metrics["UAS-all-words"] == 17 / 19
        assert metrics["LAS-all-words"] == metrics["LAS-all-words-subtypes"] == 15 / 19

    def test_nothing_to_score(self):
        (_, student), batch = pair()
        outputs = student.eval()(**without_gold(batch))
        empty = {name: value[:0] for name, value in outputs.items()}
        none = torch.zeros(0, 0, dtype=torch.long)
        student.record(empty, none, none, batch["pos_tags"][:0])
        assert student.get_metrics() == {}


class TestPartOfSpeech:
    def test_missing_where_not_needed(self):
        (stock, student), batch = pair(spread=True)
        loss = student.train()(**batch)["loss"]
        del batch["pos_tags"]
        assert_close(student(**batch)["loss"], loss)
        student.eval()(**batch)
        assert set(student.get_metrics()) == {
            "UAS-all-words",
            "LAS-all-words",
            "LAS-all-words-subtypes",
        }

    def test_missing_where_needed(self):
        (_, student), batch = pair(**VARIANTS["part of speech"])
        del batch["pos_tags"]
        with pytest.raises(ConfigurationError, match="the sentences have no pos_tags"):
            student(**batch)


class TestInput:
    @pytest.mark.parametrize("head", [8, -1])
    def test_heads_out_of_range(self, head):
        (_, student), batch = pair()
        batch["head_indices"][1, 1] = head
        message = f"word 2 of sentence 1 of the batch has the head {head}, but .* has 2 words"
        with pytest.raises(ValueError, match=message):
            student(**batch)

    def test_gold_that_is_no_tree_is_trained_on_as_stock_does(self):
        cycle = ("a cat bark", "D N V", "det nsubj root", (2, 1, 3))
        roots = ("a cat bark", "D N V", "det root root", (0, 0, 0))
        (stock, student), batch = pair(spread=True, sentences=[cycle, roots])
        assert_close(student(**batch)["loss"], stock(**batch)["loss"], rtol=1e-5, atol=1e-5)

    def test_one_long_sentence(self):
        length = 300
        long = (
            " ".join(["cat"] * length),
            " ".join(["N"] * length),
            " ".join(["root"] + ["obj"] * (length - 1)),
            range(length),
        )
        (_, student), batch = pair(spread=True, sentences=[long, SENTENCES[2]])
        outputs = student.eval()(**batch)
        assert torch.isfinite(outputs["loss"])
        assert outputs["heads"].shape == (2, length + 1)

    def test_readable_output(self):
        (_, student), _ = pair()
        outputs = student.eval().forward_on_instances(instances(SENTENCES[:2]))
        assert [len(output["predicted_heads"]) for output in outputs] == [7, 2]
        assert [len(output["predicted_dependencies"]) for output in outputs] == [7, 2]
        assert outputs[1]["words"] == ["dogs", "bark"]
        assert set(outputs[1]["predicted_dependencies"]) <= set(student.labels)
