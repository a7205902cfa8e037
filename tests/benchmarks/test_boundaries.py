"""The benchmark of sentence boundaries: its F1 by hand, and a run to its end."""

import json
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from benchmarks import __main__ as entry
from benchmarks.boundaries import DEFAULT, NONE, ONE, f1
from benchmarks.setups.tasks import Example
from tests.spacy_bridge.archives import make_archive, tagger


@Language.component("first_words_are_entities")
def first_words_are_entities(doc):
    """The first word of the doc, and of each sentence that has boundaries."""
    starts = {0, *(token.i for token in doc if token.is_sent_start)}
    doc.ents = [spacy.tokens.Span(doc, start, start + 1, "X") for start in sorted(starts)]
    return doc


def test_f1_by_hand():
    nlp = spacy.blank("en")
    nlp.add_pipe("first_words_are_entities")
    sentences = [
        Example(["a", "b"], ["B-X", "O"]),
        Example(["c"], ["B-X"]),
        Example(["d", "e"], ["O", "B-X"]),
    ]
    # Found: a, c, d. Right: a, c.
    assert f1(nlp, "ner", sentences, 1) == pytest.approx(200 * 2 / 6)
    # Two docs, "a b c" and "d e". Found: a, d. Right: a.
    assert f1(nlp, "ner", sentences, 2) == pytest.approx(200 * 1 / 5)
    # With a boundary one doc is "a b" and "c d e". Found: a, c. Right: both.
    nlp.add_pipe("sentencizer", first=True, config={"punct_chars": ["b"]})
    assert f1(nlp, "ner", sentences, 3) == pytest.approx(200 * 2 / 5)


@pytest.mark.slow
def test_runs(tmp_path, monkeypatch):
    data, teachers, output = tmp_path / "data", tmp_path / "teachers", tmp_path / "out.json"
    (data / "wnut17" / "four-columns").mkdir(parents=True)
    teachers.mkdir()
    lines = ["Anna _ _ B-PER", "sleeps _ _ O", ". _ _ O", ""] * 45
    (data / "wnut17" / "four-columns" / "test.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("ALLENNLP_KD_DATA", str(data))
    monkeypatch.setenv("ALLENNLP_KD_TEACHERS", str(teachers))
    command = ["boundaries", "--quick", "--output", str(output)]
    assert entry.main(command) == 0 and not output.exists()  # no teacher
    Path(make_archive(tmp_path / "made", tagger())).rename(teachers / "ner-wnut17-minilm6.tar.gz")
    assert entry.main(command) == 0
    found = json.loads(output.read_text(encoding="utf-8"))
    assert set(found["medians"]) == {ONE, NONE, DEFAULT}
    assert found["medians"][ONE] == found["medians"][DEFAULT]  # each sentence ends at a full stop
    assert found["notes"]["named_entities"]["sentences"] == 40
    (target,) = found["targets"]
    assert target["measured"] == 0 and target["met"]
