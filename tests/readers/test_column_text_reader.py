import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader

import allennlp_kd.readers.column_text_reader  # noqa: F401 (registers it)
from allennlp_kd.fields.sentence import Sentence
from tests.configs.corpora import conllu


def sentences(path, text, **options):
    path.write_text(text, encoding="utf-8")
    built = DatasetReader.from_params(Params({"type": "column_text", **options}))
    return list(built.sentences(str(path)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "words.txt"


def test_words_alone(path):
    found = sentences(path, "-DOCSTART-\n\na\n#1\n\n\nruns")
    assert found == [Sentence(("a", "#1")), Sentence(("runs",))]


def test_of_columns(path):
    found = sentences(path, "1 a D\n2 cat N\n\n", word_column=1, tag_column=2)
    assert found == [Sentence(("a", "cat"), ("D", "N"))]


def test_conllu(path):
    found = sentences(path, conllu(), conllu=True)
    assert found[0] == Sentence(("the", "cat", "runs")) and len(found) == 4
    assert sentences(path, conllu(), conllu=True, tag_column=4)[0].tags == ("DT", "NN", "VB")


def test_a_treebank_without_trees(path):
    rows = "1\ta\t_\t_\t_\t_\t_\t_\t_\t_\n2\tcat\t_\t_\t_\t_\t_\t_\t_\t_\n\n"
    assert sentences(path, rows, conllu=True) == [Sentence(("a", "cat"))]


class TestErrors:
    def test_columns_that_are_missing_half_way(self, path):
        with pytest.raises(
            ConfigurationError, match="words.txt, line 4: expected 2 columns, found 1"
        ):
            sentences(path, "a B\ncat I\n\nruns\n")

    @pytest.mark.parametrize("line", ["cat", "cat N", "cat\tN"])
    def test_what_is_not_conllu(self, line, path):
        with pytest.raises(
            ConfigurationError, match=r"words.txt, line 1: expected 10 columns, found [12]"
        ):
            sentences(path, f"{line}\n", conllu=True)

    def test_a_column_that_is_not_there(self, path):
        with pytest.raises(
            ConfigurationError,
            match=r"line 1: column 3 \(counted from 0\) does not exist; the line has 2 columns",
        ):
            sentences(path, "a B\n", tag_column=3)

    @pytest.mark.parametrize("options", [{"word_column": -1}, {"tag_column": -2}])
    def test_negative_columns(self, options, path):
        with pytest.raises(ConfigurationError, match="columns are counted from 0, but .*-[12]"):
            sentences(path, "a\n", **options)
