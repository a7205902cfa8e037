import json

import pytest
import torch
from allennlp.common.checks import ConfigurationError

from allennlp_kd.report.numbers.agreement import agreement
from allennlp_kd.report.numbers.calibration import calibration
from allennlp_kd.report.numbers.curves import curves
from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence
from allennlp_kd.report.numbers.tree_scores import distance_of, tree_scores
from allennlp_kd.report.plots.figures import heat_map
from allennlp_kd.report.plots.plot_style import apart
from tests.report.small import SPANS, TREES, report, spans, trees


def test_trees_by_hand():
    tags = [("X", "X", "PUNCT"), None]
    found = tree_scores(trees("plain"), trees("gold"), tags)
    # Heads: sentence 1 has 2 of 3 right, sentence 2 has 1 of 3.
    assert found["scores"]["UAS-all-words"] == pytest.approx(3 / 6)
    assert found["scores"]["LAS-all-words-subtypes"] == pytest.approx(3 / 6)
    # Punctuation is known in the first sentence alone: 1 of 2 words.
    assert found["scores"]["UAS"] == found["scores"]["LAS"] == pytest.approx(1 / 2)
    by_label = {row["label"]: (row["gold"], row["UAS"], row["LAS"]) for row in found["by_label"]}
    assert by_label == {"<a>": (2, 0.0, 0.0), "obj": (2, 0.5, 0.5), "root": (2, 1.0, 1.0)}
    distances = [(row["distance"], row["gold"], row["UAS"]) for row in found["by_distance"]]
    assert distances == [("root", 2, 1.0), ("1", 4, 0.25)]


def test_labels_count_apart_from_heads():
    found = tree_scores(trees("good"), trees("teacher"), [None, None])
    assert found["scores"]["UAS-all-words"] == 1.0 and "UAS" not in found["scores"]
    assert found["scores"]["LAS-all-words-subtypes"] == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    "word, head, name",
    [
        (4, 0, "root"),
        (0, 2, "1"),
        (2, 1, "2"),
        (0, 4, "3–4"),
        (0, 9, "5–8"),
        (0, 10, "9+"),
        (40, 1, "9+"),
    ],
)
def test_distances(word, head, name):
    assert distance_of(word, head) == name


def test_agreement_by_hand():
    sides = spans("good"), spans("teacher"), spans("gold")
    found = agreement(*sides, ["B-<A>", "O", "B-N", "I-N"], ["B-<A>", "O", "B-N"])
    assert found["scores"] == {"agreement": pytest.approx(5 / 6)}
    assert (
        found["only_student"] == ["I-N"] and found["only_teacher"] == [] and found["left_out"] == 0
    )
    shares = {row["label"]: (row["words"], row["share"]) for row in found["by_label"]}
    assert shares == {"O": (3, 1.0), "B-N": (2, 0.5), "B-<A>": (1, 1.0)}
    wrong = [row for row in found["confusion"] if row["teacher"] != row["student"]]
    assert wrong == [
        {"teacher": "B-N", "student": "O", "words": 1, "teacher_right": 1, "student_right": 0}
    ]
    assert sum(row["words"] for row in found["confusion"]) == 6


def test_words_of_labels_that_the_student_lacks_are_left_out():
    sides = spans("plain"), spans("teacher"), spans("gold")
    found = agreement(*sides, ["O", "B-N", "I-N"], ["B-<A>", "O", "B-N"])
    assert found["only_teacher"] == ["B-<A>"] and found["left_out"] == 1
    assert found["scores"]["agreement"] == pytest.approx(2 / 5)
    assert all(row["teacher"] != "B-<A>" for row in found["confusion"])


def test_agreement_of_trees_is_of_heads_and_labels():
    sides = trees("good"), trees("teacher"), trees("gold")
    found = agreement(*sides, ["<a>", "root", "obj"], ["obj", "root", "<a>"])
    assert found["scores"]["agreement"] == pytest.approx(5 / 6)
    assert found["scores"]["agreement-heads"] == 1.0


def test_no_label_in_common(monkeypatch):
    monkeypatch.setitem(SPANS, "good", ["B-Z I-Z B-Z", "B-Z B-Z I-Z"])
    expected = (
        r"the student 'good' has no label in common with the teacher: \['B-Z', 'I-Z'\] and .*'O'"
    )
    with pytest.raises(ConfigurationError, match=expected):
        report(monkeypatch, "chain", always_known=())


def test_calibration_by_hand():
    gold = [DecodedSentence(("a", "a", "a", "a", "a"))]
    ours = [DecodedSentence(("a", "b", "a", "b", "a"), None, (0.9, 0.85, 0.15, 0.0, 1.0000001))]
    found = calibration(ours, gold)
    filled = {row["high"]: row for row in found["bins"] if row["words"]}
    assert list(filled) == [0.1, 0.2, 0.9, 1.0]
    assert filled[0.9]["words"] == 2 and filled[0.9]["accuracy"] == 0.5
    assert filled[0.9]["confidence"] == pytest.approx(0.875)
    # |0 - 0| + |1 - 0.15| + |1 - 1.75| + |1 - 1|, over 5 words
    assert found["ece"] == pytest.approx((0.85 + 0.75) / 5)
    assert found["bins"][5]["confidence"] is None


def test_gap_recovered(monkeypatch):
    found = {model["name"]: model for model in report(monkeypatch, "chain")["models"]}
    teacher, plain, good = (found[name]["scores"]["f1"] for name in ("teacher", "plain", "good"))
    assert (teacher, plain, good) == pytest.approx((2 / 3, 1 / 2, 2 / 5))
    assert found["good"]["gap"]["recovered"] == pytest.approx((2 / 5 - 1 / 2) / (2 / 3 - 1 / 2))
    assert found["plain"]["gap"]["recovered"] is None and "gap" not in found["teacher"]
    unknown = report(monkeypatch, "chain", plain=None)["models"][1]["gap"]
    assert unknown == {"recovered": None, "points": None, "reason": "no plain student was named"}


def test_no_gap(monkeypatch):
    monkeypatch.setitem(SPANS, "teacher", SPANS["plain"])
    gap = report(monkeypatch, "chain")["models"][2]["gap"]
    assert gap["recovered"] is None and gap["points"] == 0 and gap["reason"].startswith("no gap")


def test_the_sentences_that_differ_most(monkeypatch):
    monkeypatch.setitem(TREES, "good", [TREES["good"][0], TREES["plain"][1]])
    for model in report(monkeypatch, "tree")["models"][1:]:
        found = model["differences"]
        assert [each["number"] for each in found] == [1, 2][-len(found) :]
        counts = [len(each["differing"]) for each in found]
        assert counts == sorted(counts, reverse=True) and all(counts)
    assert found[0]["differing"] == [1] and found[0]["student"]["heads"] == [0, 3, 1]


def test_curves(tmp_path):
    assert curves(None) is None and curves(tmp_path) is None
    for epoch in (10, 2):
        metrics = {"training_gold_loss": epoch / 10, "validation_f": 0.5, "training_alpha": 0.1}
        metrics["validation_distillation_loss/a"] = 0.7
        if epoch == 2:
            del metrics["training_alpha"]
            metrics["training_distillation_loss/a"] = metrics["training_distillation_loss/a/b"] = 2
        (tmp_path / f"metrics_epoch_{epoch}.json").write_text(json.dumps(metrics))
    config = {"trainer": {"validation_metric": "+f"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert curves(tmp_path) == {
        "epochs": [3, 11],
        "metric": "f",
        "series": {
            "validation_f": [0.5, 0.5],
            "training_gold_loss": [0.2, 1.0],
            "training_distillation_loss/a": [2, None],
            "validation_distillation_loss/a": [0.7, 0.7],
            "training_distillation_loss/a/b": [2, None],
            "training_alpha": [None, 0.1],
        },
    }
    wild = '{"training_loss": NaN, "training_gold_loss": Infinity, "validation_f": 1}'
    (tmp_path / "metrics_epoch_2.json").write_text(wild)
    series = curves(tmp_path)["series"]
    assert "training_loss" not in series and series["training_gold_loss"] == [None, 1.0]
    for damaged in ("{", "[" * 100_000):
        (tmp_path / "metrics_epoch_2.json").write_text(damaged)
        with pytest.raises(ConfigurationError, match="metrics_epoch_2.json is damaged"):
            curves(tmp_path)


def test_rare_labels_are_one_in_the_heat_map():
    names = [f"l{number:02}" for number in range(20)]
    rows = [
        {"teacher": a, "student": b, "words": 20 - i}
        for i, (a, b) in enumerate(zip(names, names[1:]))
    ]
    rows.append({"teacher": "l00", "student": "l00", "words": 100})
    labels, counts = heat_map(rows)
    assert len(labels) == 13 and labels[-1] == "others" and labels[0] == "l01"
    assert sum(map(sum, counts)) == sum(row["words"] for row in rows)
    assert counts[labels.index("l00")][labels.index("l00")] == 100


def test_names_keep_apart():
    places = [1.0, 1.01, 5.0, 1.02]
    moved = apart(places, 0.5)
    assert moved[2] == 5.0
    assert moved[1] - moved[0] == pytest.approx(0.5) and moved[3] - moved[1] == pytest.approx(0.5)
    assert sum(moved) == pytest.approx(sum(places))


def test_models_that_encode_spans_differently(monkeypatch):
    from types import SimpleNamespace

    from allennlp_kd.report.numbers.comparison import _encoding, compare

    models = [
        SimpleNamespace(name=n, encoding=e) for n, e in (("a", "BIO"), ("b", None), ("c", "BIOUL"))
    ]
    with pytest.raises(
        ConfigurationError, match="use the same span encoding, found a: BIO, c: BIOUL"
    ):
        _encoding(models)
    assert _encoding(models[:2]) == "BIO" and _encoding(models[1:2]) is None
    with pytest.raises(ConfigurationError, match="at least one student, found none"):
        compare("teacher.tar.gz", {}, "data.txt")


def test_a_file_that_the_reader_cannot_read(tmp_path):
    from allennlp.data import DatasetReader

    from allennlp_kd.report.numbers.labelled_sentence import read_labelled

    class Picky(DatasetReader):
        def _read(self, file_path):
            raise KeyError("column 7")

    path = tmp_path / "some.txt"
    path.write_text("a b\n")
    message = "some.txt cannot be read by the Picky of the first student: 'column 7'"
    with pytest.raises(ConfigurationError, match=message):
        read_labelled(str(path), Picky(), "tree")


def test_a_sentence_without_words(tmp_path):
    from allennlp_models.structured_prediction import UniversalDependenciesDatasetReader

    from allennlp_kd.report.numbers.labelled_sentence import read_labelled

    path = tmp_path / "some.conllu"
    path.write_text("1\ta\t_\tX\tX\t_\t0\troot\t_\t_\n\n# nothing\n\n")
    with pytest.raises(ConfigurationError, match="some.conllu, labeled sentence 2: .* found an em"):
        read_labelled(str(path), UniversalDependenciesDatasetReader(), "tree")


def test_a_stock_tagger_without_a_crf_decides_word_by_word():
    import allennlp_models.tagging  # noqa: F401 (registers it)

    from allennlp_kd.report.numbers.decoding import decide
    from allennlp_kd.structs.chain import ChainPotentials
    from tests.models.tagging import tagger, vocabulary

    model = tagger("simple_tagger", vocabulary("BIOUL"), label_encoding="BIOUL")
    emissions = torch.randn(2, 3, model.num_classes)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    found = decide(model, ChainPotentials(emissions, mask, torch.zeros(2 * [model.num_classes])))
    assert found["labels"][mask].tolist() == emissions.argmax(-1)[mask].tolist()
