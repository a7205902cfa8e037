"""Cutting a corpus and reading the pieces is as reading it whole, whatever the size of a piece."""

import random

import pytest
from hypothesis import given, settings, strategies as st

from spacy_bridge.corpus import parquet
from spacy_bridge.corpus.errors import ShardsError
from spacy_bridge.corpus.planning import plan
from spacy_bridge.corpus.reading import read
from spacy_bridge.corpus.row import Row

WORD = st.text(st.sampled_from("aé日#1 \t\u3000\u2028"), max_size=4)


def rows_of(path, **options):
    return [row for piece in plan([str(path)], **options) for row in read(piece)]


def treebank(sentences, end="\n"):
    lines = []
    for number, words in enumerate(sentences):
        lines += [f"# sent_id = {number}", "1-2\tboth" + "\t_" * 8]
        for place, word in enumerate(words, start=1):
            lines.append(f"{place}\t{word}\t_\tX\tT{place}\t_\t0\troot\t_\t_")
        lines += ["1.1\telided" + "\t_" * 8, ""]
    return "".join(line + end for line in lines)


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(WORD, max_size=9), size=st.integers(1, 4), last=st.booleans())
def test_text(tmp_path_factory, lines, size, last):
    path = tmp_path_factory.mktemp("text") / "corpus.txt"
    path.write_bytes("\n".join(lines).encode() + b"\n" * last)
    expected = [Row(text=line) for line in lines if line.strip()]
    assert rows_of(path, sentences=size) == expected
    pieces = list(plan([str(path)], sentences=size))
    assert [piece.sentences for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
    assert sum(piece.sentences for piece in pieces) == len(expected)
    assert [piece.number for piece in pieces] == list(range(len(pieces)))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_treebanks(tmp_path, end):
    generator = random.Random(3)
    sentences = [[f"#w{n}" for n in range(generator.randint(1, 5))] for _ in range(11)]
    path = tmp_path / "trees.conllu"
    for ending in ("", end, "# the end" + end, end + end):
        path.write_text(treebank(sentences, end) + ending, encoding="utf-8", newline="")
        for size in (1, 3, 11, 20):
            rows = rows_of(path, sentences=size)
            assert [list(row.words) for row in rows] == sentences
            assert rows[0].upos == ("X",) * len(sentences[0])
            assert [tag[0] for tag in rows[0].xpos] == ["T"] * len(sentences[0])
            assert sum(p.sentences for p in plan([str(path)], sentences=size)) == len(sentences)
    # A tag that a word lacks stays `_`, as in the training readers; a column without tags is left out.
    path.write_text(treebank([["a", "b"]]).replace("T2", "_").rstrip("\n"), encoding="utf-8")
    assert rows_of(path) == [Row(words=("a", "b"), upos=("X", "X"), xpos=("T1", "_"))]
    text = treebank([["a", "b"]]).replace("T1", "_").replace("T2", "_")
    path.write_text(text, encoding="utf-8")
    assert rows_of(path) == [Row(words=("a", "b"), upos=("X", "X"), xpos=None)]


@pytest.mark.parametrize("column", ["words", "text"])
def test_parquet(tmp_path, column):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as files

    words = [[f"w{n}"] * (n % 3) for n in range(10)]
    values = words if column == "words" else [" ".join(each) for each in words]
    path = tmp_path / "corpus.parquet"
    table = arrow.table({"id": list(range(10)), column: arrow.array(values)})
    files.write_table(table, path, row_group_size=4)
    for size in (1, 3, 5, 10, 11):
        rows = rows_of(path, sentences=size)
        if column == "words":
            assert [list(row.words) for row in rows] == [each for each in words if each]
        else:
            assert [row.text for row in rows] == [text for text in values if text]
    with pytest.raises(ShardsError, match="must have a column 'body', found id"):
        rows_of(path, column="body")
    with pytest.raises(ShardsError, match="must contain strings or lists of strings, found int64"):
        rows_of(path, column="id")
    files.write_table(arrow.table({column: arrow.array(values[:2] + [None])}), path)
    with pytest.raises(ShardsError, match=f"row 2: the column '{column}' is null"):
        rows_of(path)


def test_parquet_without_pyarrow(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ShardsError, match=r"pip install 'allennlp-kd\[parquet\]'"):
        parquet.pyarrow()


def test_a_digest_is_of_the_content(tmp_path):
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("one\ntwo\nthree\n")
    second.write_text("zero\none\ntwo\n")
    digests = [
        [piece.digest for piece in plan([str(path)], sentences=1)] for path in (first, second)
    ]
    assert digests[0][:2] == digests[1][1:]
    assert len({digest for each in digests for digest in each}) == 4
    as_trees = [piece.digest for piece in plan([str(first)], "conllu")]
    assert as_trees != [piece.digest for piece in plan([str(first)], "text")]
    both = list(plan([str(first), str(second)], sentences=2))
    assert [piece.number for piece in both] == [0, 1, 2, 3]


@pytest.mark.parametrize("start", ["", "\n", "# a comment\n\n"])
def test_a_byte_order_mark_is_no_sentence(tmp_path, start):
    path = tmp_path / "trees.conllu"
    path.write_text(start + treebank([["a"], ["b"]]), encoding="utf-8-sig")
    for size in (1, 2):
        pieces = list(plan([str(path)], sentences=size))
        assert sum(piece.sentences for piece in pieces) == 2
        assert [row.words for piece in pieces for row in read(piece)] == [("a",), ("b",)]


def test_what_is_refused(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"\xef\xbb\xbfone\ntwo\nth\xffree\n")
    pieces = list(plan([str(path)], sentences=2))
    assert [row.text for row in read(pieces[0])] == ["one", "two"]
    with pytest.raises(
        ShardsError, match="corpus.txt, line 3: expected UTF-8, found the byte 0xff"
    ):
        read(pieces[1])
    path.write_bytes(b"\xef\xbb\xbfone\nTwo\n")
    with pytest.raises(ShardsError, match="has changed during this run, in bytes 0 to 11"):
        read(pieces[0])
    with pytest.raises(ShardsError, match="at least 1 sentence, found 0"):
        list(plan([str(path)], sentences=0))
    with pytest.raises(ShardsError, match="corpus.dat: the suffix is unknown"):
        list(plan(["corpus.dat"]))
    with pytest.raises(ShardsError, match="one of text, conllu, parquet, found 'xml'"):
        list(plan([str(path)], "xml"))
    trees = tmp_path / "trees.conllu"
    trees.write_text(treebank([["a"], ["b"]]) + "1\tc\n")
    with pytest.raises(ShardsError, match="trees.conllu, line 11: expected 10 columns .* found 2"):
        rows_of(trees, sentences=2)
