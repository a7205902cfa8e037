"""Every benchmark runs to its end, small, on a treebank of a few sentences."""

import json
import os

import pytest

from benchmarks import __main__ as entry
from benchmarks.measures.exponents import exponent

WORDS = [("the", "DET"), ("cat", "NOUN"), ("sleeps", "VERB"), (".", "PUNCT")]


@pytest.fixture
def data(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "ud_english_ewt"
    folder.mkdir(parents=True)
    rows = []
    for length in (1, 4, 2, 3) * 10:
        for number, (word, tag) in enumerate(WORDS[:length], start=1):
            rows.append(f"{number}\t{word}\t_\t{tag}\t{tag}\t_\t0\troot\t_\t_\n")
        rows.append("\n")
    (folder / "train.conllu").write_text("".join(rows), encoding="utf-8")
    monkeypatch.setenv("ALLENNLP_KD_DATA", str(tmp_path / "data"))


def run(name, tmp_path):
    output = tmp_path / "out.json"
    assert entry.main([name, "--quick", "--output", str(output)]) == 0
    return json.loads(output.read_text())


@pytest.mark.parametrize(
    "name, measured",
    [
        ("decoding", ["stock / viterbi, 9 tags", "stock / 5 best, 50 tags"]),
        (
            "objectives",
            [
                "structural / scores, centred, 17 tags, 10 words",
                "marginal, nodes / predictions, 9 tags, 10 words",
                "predictions, without gold / structural with gold, all but the encoder",
                "tree: predictions, labels / local loss, 10 labels, 10 words",
                "tree: scores, centred, 5 best heads / local loss, 10 labels, 10 words",
                "tree: scores, weighted / local loss, 10 labels, 10 words",
            ],
        ),
        (
            "training_step",
            [
                "distillation / stock, step",
                "distillation / stock, all but the encoder",
                "distillation / student alone, step",
                "data loading / (data loading + steps)",
                "NLL / stock NLL, 17 tags",
                "scores, centred / stock NLL, 50 tags",
                "predictions / stock NLL, 9 tags",
                "distillation / student alone, peak memory",
            ],
        ),
    ],
)
def test_measures_every_target(name, measured, data, tmp_path):
    result = run(name, tmp_path)
    found = {target["name"]: target for target in result["targets"]}
    assert set(measured) <= found.keys() | result["notes"].keys()
    assert all(
        target["measured"] > 0 for target in found.values() if "difference" not in target["name"]
    )
    agreement = [target for name, target in found.items() if "difference" in name]
    assert all(target["met"] for target in agreement)
    assert result["quick"] is True and result["threads"] == 1


@pytest.mark.slow
def test_measures_growth(tmp_path):
    result = run("scaling", tmp_path)
    targets = {target["name"] for target in result["targets"]}
    assert {
        "NLL: exponent of length",
        "scores: exponent of tags",
        "training step: exponent of length",
        "memory of training, 10,000 / 1,000 sentences",
    } <= targets
    medians = result["medians"]
    for name in ("1 worker", "2 workers"):
        assert medians[name].keys() == {"kd-score-corpus: sentences/s", "annotate: sentences/s"}
        assert min(medians[name].values()) > 0
    assert medians["40 words"]["scores: bytes"] > medians["10 words"]["scores: bytes"]


def test_an_exponent_is_a_slope_over_the_larger_half():
    assert exponent({1: 50.0, 2: 40.0, 10: 3e2, 100: 3e4}) == pytest.approx(2)
    assert exponent({2: 8.0, 4: 8.0}) == pytest.approx(0)
    with pytest.raises(ValueError, match="at least 2 sizes, found 1"):
        exponent({1: 1.0})
    with pytest.raises(ValueError, match="greater than 0, found {1: 0.0, 2: 1.0}"):
        exponent({1: 0.0, 2: 1.0})


@pytest.mark.parametrize("name", ["decoding", "objectives", "training_step"])
def test_says_that_data_are_missing(name, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ALLENNLP_KD_DATA", raising=False)
    output = tmp_path / "out.json"
    assert entry.main([name, "--quick", "--output", str(output)]) == 0
    assert "skipped: no data (set ALLENNLP_KD_DATA" in capsys.readouterr().out
    assert not output.exists()


@pytest.mark.slow
def test_inference_measures_what_is_there(data, tmp_path, monkeypatch):
    for name in ("TEACHERS", "STUDENTS"):
        monkeypatch.delenv(f"ALLENNLP_KD_{name}", raising=False)
    folder = tmp_path / "data" / "ud_english_ewt"
    (folder / "dev.conllu").write_bytes((folder / "train.conllu").read_bytes())
    result = run("inference", tmp_path)
    found = {target["name"]: target["measured"] for target in result["targets"]}
    assert set(found) >= {
        "tagger: packaged over predict",
        "parser: packaged over predict",
        "tagger: size of int8 over float",
        "wheel of tagger and parser, int8, MB",
    }
    assert all(measured > 0 for measured in found.values())
    speeds = result["medians"]["words/s, 1 thread"]
    assert {"tagger: packaged", "parser: packaged, int8"} <= set(speeds)
    assert result["notes"]["trained"] == {"tagger": False, "parser": False}


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(
    not all(os.environ.get(f"ALLENNLP_KD_{part}") for part in ("DATA", "TEACHERS")),
    reason="no data",
)
def test_decoder_stock_is_stocks(tmp_path):
    result = run("decoders", tmp_path)
    assert all(target["met"] for target in result["targets"])
    seconds = result["medians"]["seconds, scoring included"]
    assert len(seconds) == 3
