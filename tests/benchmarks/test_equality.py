"""The benchmark of equality: ties are what it says, and it runs to its end."""

import itertools
import os
from pathlib import Path

import numpy
import pytest

from benchmarks.measures import agreement, ties
from benchmarks.report import Report
from spacy_bridge.runtime.open_student import open_student
from spacy_bridge.runtime.packaged_parser import ParsedSentence
from tests.benchmarks.test_benchmarks import data, run  # noqa: F401
from tests.spacy_bridge.pipelines import packaged

WORDS = ["The", "quick", "fox"]


def check(monkeypatch, student, answers, expected):
    """Every answer against the best one, at a margin between two of their distances."""
    distances = expected.max() - expected
    middle = numpy.sort(distances)[len(distances) // 2 :][:2]
    monkeypatch.setattr(ties, "MARGIN", float(middle.mean()))
    best = answers[int(expected.argmax())]
    found = [ties.are_tied(student, WORDS, best, answer) for answer in answers]
    assert found == list(distances <= ties.MARGIN)
    assert 0 < sum(found) < len(found)


def test_ties_of_taggers_are_of_whole_sequences(monkeypatch):
    student = open_student(packaged("tagger"))
    (emissions,), _ = student.outputs([WORDS])
    numbers = list(itertools.product(range(len(student.labels)), repeat=len(WORDS)))
    scores = []
    for row in numbers:
        total = student.scores.start[row[0]] + student.scores.end[row[-1]]
        total += sum(emissions[place, tag] for place, tag in enumerate(row))
        total += sum(student.scores.transitions[pair] for pair in zip(row, row[1:]))
        scores.append(float(total))
    answers = [[student.labels[tag] for tag in row] for row in numbers]
    assert student([WORDS]) == [answers[int(numpy.argmax(scores))]]
    check(monkeypatch, student, answers, numpy.array(scores))


def log_softmax(row):
    return row - numpy.log(numpy.exp(row - row.max()).sum()) - row.max()


@pytest.mark.parametrize("decoder", ["exact", "stock"])
def test_ties_of_parsers_are_of_whole_trees(decoder, monkeypatch):
    student = open_student(packaged("parser"))
    student.decoder = decoder
    outputs, layout = student.outputs([WORDS])
    arcs = outputs[0]
    # Shape: (words, labels, nodes)
    every = student.arc_scores(outputs, layout).labels_of_all(0, 3).astype(float)
    table = numpy.zeros((3, 4))
    names = {}
    for word, head in itertools.product(range(3), range(4)):
        row = arcs[0, word].astype(float)
        if decoder == "exact":
            row[word + 1] = -numpy.inf
        labels = log_softmax(every[word, :, head])
        names[word, head] = student.labels[int(labels.argmax())]
        table[word, head] = log_softmax(row)[head] + labels.max()
        if decoder == "stock":
            table[word, head] = numpy.exp(table[word, head]) if head else 0.0
    rows = [row for row in itertools.product(range(4), repeat=3) if has_no_loop(row)]
    scores = numpy.array([sum(table[word, head] for word, head in enumerate(row)) for row in rows])
    answers = [ParsedSentence(list(row), [names[pair] for pair in enumerate(row)]) for row in rows]
    check(monkeypatch, student, answers, scores)


def has_no_loop(row):
    """No word is its own head."""
    return all(head != word + 1 for word, head in enumerate(row))


def test_another_label_of_the_same_arc_is_no_tie():
    student = open_student(packaged("parser"))
    (tree,) = student([WORDS])
    for label in student.labels:
        other = ParsedSentence(tree.heads, [label, *tree.labels[1:]])
        assert ties.are_tied(student, WORDS, tree, other) == (label == tree.labels[0])


def test_scores():
    assert agreement.score([["B-A", "I-A", "O"]], [["B-A", "O", "O"]], "BIO") == 0.0
    assert agreement.score([["B-A", "I-A", "B-A"]], [["B-A", "I-A", "O"]], "BIO") == pytest.approx(
        200 / 3
    )
    assert agreement.score([["B-A", "I-A", "O"]], [["B-A", "O", "O"]], None) == pytest.approx(
        200 / 3
    )
    one, other = ParsedSentence([0, 1], ["a", "b"]), ParsedSentence([0, 1], ["a", "c"])
    assert agreement.score([one], [other], None) == 50.0


def test_runs_to_its_end(data, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.delenv("ALLENNLP_KD_TEACHERS", raising=False)
    monkeypatch.delenv("ALLENNLP_KD_STUDENTS", raising=False)
    folder = tmp_path / "data" / "ud_english_ewt"
    (folder / "dev.conllu").write_bytes((folder / "train.conllu").read_bytes())
    result = run("equality", tmp_path)
    assert result["medians"]["sentences"] == {"tagger, BiLSTM": 40, "parser, BiLSTM": 40}
    assert result["medians"]["words"]["parser, BiLSTM"] == 100
    assert all(target["met"] for target in result["targets"]) and len(result["targets"]) == 2
    scores = result["medians"]["score, predict"]
    assert scores == result["medians"]["score, packaged"]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", ["parser-ewt-minilm6", "chunk-conll2000-minilm6"])
def test_a_stock_archive_says_the_same_in_spacy(name):
    """Of all sentences, `python -m benchmarks equality` says it."""
    component, corpus = agreement.TEACHERS[name]
    folders = [os.environ.get(f"ALLENNLP_KD_{part}") for part in ("DATA", "TEACHERS")]
    if None in folders or not (Path(folders[0]) / corpus).is_file():
        pytest.skip("no data")
    archive = Path(folders[1]) / f"{name}.tar.gz"
    report = Report("equality", {})
    agreement.compare(
        report, agreement.Case(name, component, archive, Path(folders[0]) / corpus, True), 50
    )
    assert report.medians["sentences"][name] == 50 and report.medians["score, predict"][name] > 80
    assert report.targets[0].met and report.medians["int8 agrees, % of words"][name] > 90
