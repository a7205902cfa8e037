"""Every reader of text gives the same sentences with and without a byte-order mark, and with any line
ends.
"""

import json

import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.annotation_files import format_of, read_annotations
from spacy_bridge.corpus.planning import plan
from spacy_bridge.corpus.reading import read

COLUMNS = "EU B-ORG\nrejects O\n\n\u65e5\u672c B-LOC\n"
ROW = "{}\t{}\t_\tX\tY\t_\t{}\troot\t_\t_\n"
TREEBANK = "\n".join(
    [ROW.format(1, "EU", 2) + ROW.format(2, "rejects", 0), ROW.format(1, "\u65e5\u672c", 0)]
)
COMMENTED = "# newdoc id = first\n" + TREEBANK
TEXT = "EU rejects\n\n\u65e5\u672c\n"
JSON = "".join(
    json.dumps({"words": words.split(), "tags": ["X"] * len(words.split())}) + "\n"
    for words in TEXT.split("\n\n")
)
EXPECTED = [("EU", "rejects"), ("\u65e5\u672c",)]

WITH_READER = {"reader": {"type": "column_tags"}}
READERS = [
    (COLUMNS, {"type": "column_tags"}),
    (COLUMNS.replace(" ", "\t"), {"type": "column_tags", "encoding": "BIOUL"}),
    (COLUMNS, {"type": "column_text", **WITH_READER}),
    (TEXT, {"type": "plain_text", **WITH_READER}),
    (TEXT, {"type": "plain_text", "tokenize": False, **WITH_READER}),
    (TEXT, {"type": "sentence_starts", "format": "lines", "max_words": 2}),
]
READERS += [
    (content, options)
    for content in (TREEBANK, COMMENTED)
    for options in (
        {"type": "column_text", "conllu": True, **WITH_READER},
        {"type": "conllu_tagging"},
        {"type": "conllu_tagging", "tokens": "spacy"},
        {"type": "conllu_parsing"},
        {"type": "conllu_parsing", "tokens": "spacy"},
        {"type": "conllu_relative_heads"},
        {"type": "sentence_starts", "max_words": 2},
    )
]

each_file = pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "mark"])
each_end = pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])


def written(path, content, mark, end):
    path.write_bytes(mark + content.replace("\n", end).encode())
    return str(path)


@each_file
@each_end
@pytest.mark.parametrize("content, options", READERS)
def test_readers(tmp_path, content, options, mark, end):
    path = written(tmp_path / "file.conllu", content, mark, end)
    instances = DatasetReader.from_params(Params(json.loads(json.dumps(options)))).read(path)
    assert [Sentence.of(each).words for each in instances] == EXPECTED


@each_file
@each_end
@pytest.mark.parametrize(
    "name, content, column",
    [
        ("a.txt", COLUMNS, None),
        ("a.conllu", TREEBANK, None),
        ("a.conllu", COMMENTED, "upos"),
        ("a.jsonl", JSON, None),
    ],
)
def test_annotations(tmp_path, name, content, column, mark, end):
    path = written(tmp_path / name, content, mark, end)
    found = list(read_annotations(path, format_of(path), column))
    assert [annotation.words for annotation in found] == EXPECTED
    assert all("\r" not in label for annotation in found for label in annotation.labels)


@each_file
@each_end
@pytest.mark.parametrize(
    "name, content", [("a.txt", TEXT), ("a.conllu", TREEBANK), ("b.conllu", COMMENTED)]
)
def test_corpora(tmp_path, name, content, mark, end):
    path = written(tmp_path / name, content, mark, end)
    rows = [row for piece in plan([path]) for row in read(piece)]
    assert [row.words or tuple(row.text.split()) for row in rows] == EXPECTED


@pytest.mark.parametrize(
    "content, options",
    [
        ("EU N B-NP\n", {"type": "conll2000"}),
        ("EU N B-NP B-ORG\n", {"type": "conll2003"}),
        ("EU###N\n", {"type": "sequence_tagging"}),
        (TREEBANK, {"type": "universal_dependencies"}),
    ],
)
def test_a_stock_reader_would_keep_the_mark(tmp_path, content, options):
    params = {"type": "distillation", "reader": dict(options), "teacher_inputs": False}
    path = written(tmp_path / "file", content, b"", "\n")
    words = Sentence.of(next(iter(DatasetReader.from_params(Params(params)).read(path)))).words
    assert words[0] == "EU"
    params = {"type": "distillation", "reader": dict(options), "teacher_inputs": False}
    path = written(tmp_path / "file", content, b"\xef\xbb\xbf", "\n")
    with pytest.raises(ConfigurationError, match="file begins with a byte-order mark, which"):
        list(DatasetReader.from_params(Params(params)).read(path))


@pytest.mark.parametrize("content, options", READERS)
def test_what_is_not_utf_8_is_located(tmp_path, content, options):
    path = tmp_path / "file.conllu"
    path.write_bytes(content.encode() + b"\n\xff\n")
    line = content.count("\n") + 2
    with pytest.raises(
        ConfigurationError, match=f"line {line}: expected UTF-8, found the byte 0xff"
    ):
        list(DatasetReader.from_params(Params(json.loads(json.dumps(options)))).read(str(path)))
