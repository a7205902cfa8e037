import allennlp_models.structured_prediction  # noqa: F401 (registers readers)
import allennlp_models.tagging  # noqa: F401 (registers readers)
import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Vocabulary

import allennlp_kd.readers.conllu_tagging_reader  # noqa: F401 (registers it)
import allennlp_kd.readers.plain_text_reader  # noqa: F401 (registers it)


def reader(**options) -> DatasetReader:
    return DatasetReader.from_params(Params({"type": "plain_text", **options}))


def words(path, text, **options):
    path.write_text(text, encoding="utf-8")
    return [" ".join(each.words) for each in reader(**options).sentences(str(path))]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "text.txt"


def test_a_sentence_a_line(path):
    found = words(path, "It's  late,\tHan.\n\n   \nDon't!\r\n")
    assert found == ["It 's late , Han .", "Do n't !"]


def test_of_another_language(path):
    assert words(path, "l'homme\n", language="fr") == ["l' homme"]
    assert words(path, "l'homme\n", language="xx") == ["l'homme"]


def test_of_words(path):
    assert words(path, "\ufeffIt's late,\tHan.\n", tokenize=False) == ["It's late, Han."]


@pytest.mark.parametrize(
    "tokenize,expected", [(True, ["One .", "Two ?", "Three"]), (False, ["One. Two? Three"])]
)
def test_split_into_sentences(tokenize, expected, path):
    found = words(path, "One. Two? Three\n", tokenize=tokenize, split_sentences=True)
    assert found == expected
    if not tokenize:
        assert words(path, "One . Two\n", tokenize=False, split_sentences=True) == ["One .", "Two"]


def test_longer_sentences_are_left_out(path, caplog):
    caplog.set_level("INFO")
    assert words(path, "a b c\na b\na b c d\n", max_words=3) == ["a b c", "a b"]
    assert "1 sentences with more than 3 words are left out" in caplog.text


@pytest.mark.parametrize("kind", ["conll2000", "conll2003", "sequence_tagging", "conllu_tagging"])
def test_another_reader_makes_the_instances(kind, path):
    path.write_text("a cat\nruns\n")
    found = list(reader(reader={"type": kind}).read(str(path)))
    assert [each["tokens"].tokens[0].text for each in found] == ["a", "runs"]
    assert all("tags" not in each.fields for each in found)
    assert Vocabulary.from_instances(found).get_token_index("cat") > 1


def test_of_a_treebanks_reader(path):
    path.write_text("a cat\n")
    (found,) = reader(reader={"type": "universal_dependencies"}).read(str(path))
    assert set(found.fields) == {"words", "pos_tags", "metadata"}
    assert found["pos_tags"].labels == ["_", "_"]


class TestErrors:
    def test_unknown_language(self, path):
        built = reader(language="qq")  # an archive that names it is opened without it
        path.write_text("a\n")
        with pytest.raises(
            ConfigurationError, match="spaCy has no tokenizer for the language 'qq': "
        ):
            list(built.sentences(str(path)))

    def test_what_is_not_utf8(self, path):
        path.write_bytes("the\ncaf\xe9 \n".encode("latin-1"))
        with pytest.raises(
            ConfigurationError, match="text.txt, line 2: expected UTF-8, found the byte 0xe9"
        ):
            list(reader().sentences(str(path)))

    def test_no_reader(self, path):
        path.write_text("a\n")
        with pytest.raises(
            ConfigurationError, match="PlainTextReader reads only words: it must wrap a reader"
        ):
            list(reader().read(str(path)))

    def test_max_words(self):
        with pytest.raises(ConfigurationError, match="max_words must be at least 1, found 0"):
            reader(max_words=0)

    def test_tags_that_are_features(self, path):
        path.write_text("a cat\n")
        built = reader(reader={"type": "conll2000", "feature_labels": ["pos"]})
        with pytest.raises(
            ConfigurationError, match="needs pos_tags as features, .* 'a cat' lacks"
        ):
            list(built.read(str(path)))

    def test_a_missing_file(self, path):
        with pytest.raises(FileNotFoundError, match="text.txt"):
            list(reader().sentences(str(path)))
