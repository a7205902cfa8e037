"""The corpora and the score of the tasks that contenders are compared on."""

import numpy
import pytest
from allennlp_models.structured_prediction.models.biaffine_dependency_parser import POS_TO_IGNORE

from benchmarks.command import NoData
from benchmarks.setups.tasks import PUNCTUATION, TASKS, Example, counts, examples
from benchmarks.significance import score
from spacy_bridge.runtime.packaged_parser import ParsedSentence

CONLLU = """# text = I won't .
1\tI\t_\tPRON\tPRP\t_\t4\tnsubj\t_\t_
2-3\twon't\t_\t_\t_\t_\t_\t_\t_\t_
2\two\t_\tAUX\tMD\t_\t4\taux\t_\t_
3\tn't\t_\tPART\tRB\t_\t4\tadvmod\t_\t_
3.1\tgo\t_\tVERB\tVB\t_\t_\t_\t_\t_
4\tgo\t_\tVERB\tVB\t_\t0\troot\t_\t_
5\t.\t_\tPUNCT\t.\t_\t4\tpunct\t_\t_
"""


def test_reads_treebanks_and_columns(tmp_path):
    (tmp_path / "a.conllu").write_text(CONLLU + "\n")
    (only,) = examples(tmp_path / "a.conllu")
    assert only.words == ["I", "wo", "n't", "go", "."]
    assert only.tags == ["PRP", "MD", "RB", "VB", "."]
    assert only.universal == ["PRON", "AUX", "PART", "VERB", "PUNCT"]
    assert only.parse.heads == [4, 4, 4, 0, 4]
    (tmp_path / "a.txt").write_text("# X X O\nthe X X B-a\n\ncat X X I-a\n")
    assert examples(tmp_path / "a.txt") == [
        Example(["#", "the"], ["O", "B-a"]),
        Example(["cat"], ["I-a"]),
    ]


def test_punctuation_is_what_stock_leaves_out():
    assert PUNCTUATION == set(POS_TO_IGNORE)


def test_counts_arcs_without_punctuation(tmp_path):
    (tmp_path / "a.conllu").write_text(CONLLU)
    gold = examples(tmp_path / "a.conllu")
    answer = ParsedSentence([4, 4, 2, 0, 1], ["nsubj", "cop", "advmod", "root", "dep"])
    assert counts(TASKS["parsing"], [answer], gold).tolist() == [[2, 4, 4]]
    assert counts(TASKS["parsing"], [gold[0].parse], gold).tolist() == [[4, 4, 4]]
    found = [["PRP", "MD", "RB", "NN", "."]]
    assert counts(TASKS["part_of_speech"], found, gold).tolist() == [[4, 5, 5]]


def test_counts_spans():
    gold = [Example(["a", "b", "c"], ["B-x", "I-x", "B-y"])]
    found = counts(TASKS["chunking"], [["B-x", "I-x", "O"]], gold)
    assert found.tolist() == [[1, 1, 2]]
    assert score(found.sum(0)) == pytest.approx(2 / 3)
    assert isinstance(found, numpy.ndarray)


def test_says_which_file_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLENNLP_KD_DATA", str(tmp_path))
    with pytest.raises(NoData, match="wnut17/four-columns/dev.txt does not exist"):
        TASKS["named_entities"].path("dev")
    monkeypatch.delenv("ALLENNLP_KD_DATA")
    with pytest.raises(NoData, match="set ALLENNLP_KD_DATA"):
        TASKS["parsing"].path("dev")
