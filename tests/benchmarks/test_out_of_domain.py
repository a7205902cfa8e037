"""The benchmark on other treebanks: which pairs change places, and a run to its end."""

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as entry
from benchmarks.out_of_domain import HOME, TIE, inversions
from tests.spacy_bridge.archives import make_archive, tagger

SENTENCE = "1\tAnna\tAnna\tPROPN\tNNP\t_\t2\tnsubj\t_\t_\n2\tsleeps\tsleep\tVERB\tVBZ\t_\t0\troot\t_\t_\n\n"


def test_inversions_by_hand():
    home = {"a": 90.0, "b": 85.0, "c": 84.95, "d": 80.0}
    assert (
        inversions(home, {"a": 70.0, "b": 65.0, "c": 65.5, "d": 60.0}) == []
    )  # b, c level at home
    assert inversions(home, {"a": 70.0, "b": 70.05, "c": 65.0, "d": 60.0}) == []  # a, b level away
    away = {"a": 70.0, "b": 71.0, "c": 65.0, "d": 66.0}
    assert inversions(home, away) == ["a and b", "c and d"]
    assert inversions(home, away, tie=6.0) == []


@pytest.mark.slow
def test_runs(tmp_path, monkeypatch):
    data, treebanks, students = (tmp_path / name for name in ("data", "treebanks", "students"))
    output = tmp_path / "out.json"
    for folder in (data / "ud_english_ewt", treebanks, students):
        folder.mkdir(parents=True)
    (data / "ud_english_ewt" / "test.conllu").write_text(30 * SENTENCE, encoding="utf-8")
    monkeypatch.setenv("ALLENNLP_KD_DATA", str(data))
    monkeypatch.setenv("ALLENNLP_KD_STUDENTS", str(students))
    monkeypatch.setenv("ALLENNLP_KD_TREEBANKS", str(treebanks))
    for name in ("TEACHERS", "SPACY"):
        monkeypatch.setenv(f"ALLENNLP_KD_{name}", str(tmp_path / "none"))
    command = ["out_of_domain", "--quick", "--output", str(output)]
    assert entry.main(command) == 0 and not output.exists()  # no treebank
    (treebanks / "ewt.conllu").write_text(SENTENCE, encoding="utf-8")
    with pytest.raises(ValueError, match="EWT is the test set of ALLENNLP_KD_DATA"):
        entry.main(command)
    (treebanks / "ewt.conllu").unlink()
    (treebanks / "gum.conllu").write_text(30 * SENTENCE, encoding="utf-8")
    archive = students / "part_of_speech-small.tar.gz"
    Path(make_archive(tmp_path / "made", tagger())).rename(archive)
    assert entry.main(command) == 0
    found = json.loads(output.read_text(encoding="utf-8"))
    assert set(found["medians"]) == {HOME, "GUM"}
    assert found["medians"][HOME] == found["medians"]["GUM"]  # the same sentences
    assert set(found["medians"][HOME]) == {
        "small, packaged, accuracy",
        "small, packaged, int8, accuracy",
    }
    assert found["notes"]["GUM"]["sentences"] == 20
    assert found["tie"] == TIE
    targets = {target["name"]: target["measured"] for target in found["targets"]}
    assert targets["accuracy, GUM: pairs in another order than on EWT, of 1"] == 0
