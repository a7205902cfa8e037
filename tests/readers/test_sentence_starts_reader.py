"""Reading documents for a splitter of sentences."""

import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Token

from allennlp_kd.readers.sentence_starts_reader import SentenceStartsReader
from tests.readers.test_treebank_text import TREEBANK


def read(path, **options):
    reader = DatasetReader.from_params(Params({"type": "sentence_starts", **options}))
    return [
        (instance.fields["metadata"].metadata["words"], "".join(instance.fields["tags"].labels))
        for instance in reader.read(str(path))
    ]


def test_a_treebank(tmp_path):
    path = tmp_path / "trees.conllu"
    path.write_text(TREEBANK, encoding="utf-8")
    assert read(path, language="it") == [
        (["Va", "alla", "casa", ",", "sì", ".", "Bene", "!"], "SIIIIISI"),
        (["No", "certo"], "SI"),
    ]


def test_a_sentence_a_line(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\nA cat sleeps.\nDogs don't!  \n\n\nYes.\n", encoding="utf-8")
    assert read(path, format="lines") == [
        (["A", "cat", "sleeps", ".", "Dogs", "do", "n't", "!"], "SIIISIII"),
        (["Yes", "."], "SI"),
    ]
    assert [len(words) for words, _ in read(path, format="lines", max_words=3)] == [3, 3, 2, 2]


def test_a_document_of_unknown_boundaries():
    assert "tags" not in SentenceStartsReader().text_to_instance([Token("a")]).fields


def test_options_that_are_none(tmp_path):
    for options, message in (
        ({"format": "xml"}, "format must be one of conllu, lines, found 'xml'"),
        ({"max_words": 0}, "max_words must be at least 1, found 0"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            SentenceStartsReader(**options)
    (tmp_path / "text.txt").write_text("A cat.\n")
    with pytest.raises(ConfigurationError, match="no tokenizer for the language 'qq'"):
        read(tmp_path / "text.txt", format="lines", language="qq")
