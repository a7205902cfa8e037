"""spaCy's own training, recorded as lines beside the students'."""

import json

import pytest
import spacy

from benchmarks import __main__ as entry
from benchmarks.baselines.docs import annotate, gold_doc, predicted_doc, sentence_doc, write_docs
from benchmarks.baselines.training import train
from benchmarks.setups.tasks import TASKS, Example
from spacy_bridge.runtime.packaged_parser import ParsedSentence

TREE = Example(
    ["the", "cat", "sleeps"],
    ["DT", "NN", "VBZ"],
    ["DET", "NOUN", "VERB"],
    ParsedSentence([2, 3, 0], ["det", "nsubj", "root"]),
)
SPANS = Example(["New", "York", "wins"], ["B-place", "I-place", "O"])


class Given:
    """A pipeline that says what it is given."""

    def __init__(self, docs):
        self.vocab, self.docs = docs[0].vocab, docs

    def pipe(self, docs):
        assert [[token.text for token in doc] for doc in docs] == [
            [token.text for token in doc] for doc in self.docs
        ]
        return self.docs


@pytest.mark.parametrize(
    "name, example, answer",
    [
        ("parsing", TREE, TREE.parse),
        ("part_of_speech", TREE, TREE.tags),
        ("named_entities", SPANS, SPANS.tags),
        ("chunking", SPANS, SPANS.tags),
    ],
)
def test_docs_say_what_the_corpus_says(name, example, answer):
    task, vocab = TASKS[name], spacy.blank("en").vocab
    doc = gold_doc(vocab, task, example)
    assert annotate(Given([doc]), task, [example.words]) == [answer]
    if name != "part_of_speech":
        doc = predicted_doc(vocab, task, example.words, answer)
        assert annotate(Given([doc]), task, [example.words]) == [answer]
        assert not any(token.tag_ for token in doc)


def test_a_sentence_that_is_given_stays_one(tmp_path):
    doc = sentence_doc(spacy.blank("en").vocab, ["a", "b", "c"])
    assert [token.is_sent_start for token in doc] == [True, False, False]


def test_interrupted_docs_leave_no_file(tmp_path, monkeypatch):
    def stop(docs):
        raise KeyboardInterrupt

    doc = sentence_doc(spacy.blank("en").vocab, ["a"])
    monkeypatch.setattr("spacy.tokens.DocBin.to_bytes", stop)
    with pytest.raises(KeyboardInterrupt):
        write_docs(tmp_path / "train.spacy", [doc])
    assert not (tmp_path / "train.spacy").exists()


def test_what_is_trained_is_not_trained_again(tmp_path):
    (tmp_path / "seconds.json").write_text('{"cpu": 5.0}')
    no = tmp_path / "no"
    assert train(tmp_path, ["ner"], no, no, seed=0) == 5.0
    with pytest.raises(ValueError, match="max_steps None, not 20: remove it"):
        train(tmp_path, ["ner"], no, no, seed=0, max_steps=20)


@pytest.mark.slow
def test_records_a_line_for_each_score(tmp_path, monkeypatch):
    folder = tmp_path / "ud_english_ewt"
    folder.mkdir()
    rows = "1\tthe\t_\tDET\tDT\t_\t2\tdet\t_\t_\n2\tcat\t_\tNOUN\tNN\t_\t3\tnsubj\t_\t_\n"
    rows += "3\tsees\t_\tVERB\tVBZ\t_\t0\troot\t_\t_\n4\tmice\t_\tNOUN\tNN\t_\t3\tobj\t_\t_\n"
    rows += "5\tnow\t_\tADV\tRB\t_\t3\tadvmod\t_\t_\n\n"
    for split in ("train", "dev", "test"):
        (folder / f"{split}.conllu").write_text(rows * 40)
    monkeypatch.setenv("ALLENNLP_KD_DATA", str(tmp_path))
    output = tmp_path / "lines.jsonl"
    command = ["spacy_baselines", "--task", "parsing", "--supervision", "gold", "--max-steps", "60"]
    command += ["--work", str(tmp_path / "work"), "--output", str(output)]
    for _ in range(2):  # the second time, nothing is trained and no line is added
        assert entry.main(command) == 0
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [(line["task"], line["arm"]) for line in lines] == [
        ("parsing", "spaCy, gold"),
        ("part_of_speech", "spaCy, gold"),
    ]
    assert lines[1]["test"] > 0.9 and lines[0]["cpu_seconds"] > 0
