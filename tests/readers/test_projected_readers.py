"""Reading a treebank in surface tokens or in spaCy's tokens."""

import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader
from allennlp_models.structured_prediction import UniversalDependenciesDatasetReader

import allennlp_kd.readers.conllu_parsing_reader  # noqa: F401
import allennlp_kd.readers.conllu_tagging_reader  # noqa: F401
from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.readers.distillation_reader import DistillationReader
from tests.readers.test_treebank_text import TREEBANK

# The first sentence of TREEBANK, "Va alla casa, sì.", and the second one, "Bene!".
TREES = TREEBANK[: TREEBANK.index("# newdoc id = second")]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "trees.conllu"
    path.write_text(TREES, encoding="utf-8")
    return str(path)


def read(kind, path, **options):
    return list(DatasetReader.from_params(Params({"type": kind, **options})).read(path))


@pytest.mark.parametrize(
    "options", [{"surface_tokens": True}, {"tokens": "spacy", "language": "it"}]
)
def test_tagging(options, path, caplog):
    caplog.set_level("INFO")
    first, second = read("conllu_tagging", path, **options)
    assert [token.text for token in first["tokens"].tokens] == [
        "Va",
        "alla",
        "casa",
        ",",
        "sì",
        ".",
    ]
    assert first["tags"].labels == ["VERB", "ADP", "NOUN", "PUNCT", "INTJ", "PUNCT"]
    assert first["metadata"].metadata["one_to_one"] is False
    assert second["metadata"].metadata["one_to_one"] is True
    assert "of 8 tokens, 7 (87.50 %) are words of the treebank, 1 are several words" in caplog.text


@pytest.mark.parametrize(
    "options", [{"surface_tokens": True}, {"tokens": "spacy", "language": "it"}]
)
def test_parsing(options, path):
    first, _ = read("conllu_parsing", path, use_language_specific_pos=True, **options)
    assert first["pos_tags"].labels == ["V", "E", "S", "FF", "I", "FS"]
    assert first["head_tags"].labels == ["root", "case", "obl", "punct", "discourse", "punct"]
    assert first["head_indices"].labels == [0, 3, 1, 5, 1, 1]
    assert first["metadata"].metadata["pos"] == first["pos_tags"].labels


def test_words_are_as_stock_reads_them(path):
    ours = read("conllu_parsing", path)
    stock = list(UniversalDependenciesDatasetReader().read(path))
    assert len(ours) == len(stock) == 2
    for own, other in zip(ours, stock):
        assert [token.text for token in own["words"]] == [token.text for token in other["words"]]
        for name in ("head_tags", "head_indices", "pos_tags"):
            assert own[name].labels == other[name].labels
        assert set(own.fields) == set(other.fields)
        assert own["metadata"].metadata["one_to_one"]


def test_words_in_several_tokens(tmp_path, caplog):
    caplog.set_level("INFO")
    path = tmp_path / "trees.conllu"
    path.write_text("# text = snow-white x\n1\tsnow-white\t_\tADJ\tJJ\t_\t2\tamod\t_\t_\n"
                    "2\tx\t_\tNOUN\tNN\t_\t0\troot\t_\t_\n")  # fmt: skip
    (instance,) = read("conllu_tagging", str(path), tokens="spacy")
    assert [token.text for token in instance["tokens"].tokens] == ["snow", "-", "white", "x"]
    assert instance["tags"].labels == ["ADJ", "ADJ", "ADJ", "NOUN"]
    assert read("conllu_parsing", str(path), tokens="spacy") == []
    assert "1 sentences whose annotation cannot be projected are left out" in caplog.text


def test_the_teacher_scores_its_own_words_alone(path):
    class Teacher:
        FIELD = "teacher"

        def attach(self, instances):
            self.seen = [instance["metadata"].metadata["words"] for instance in instances]
            for instance in instances:
                instance.add_field(self.FIELD, OptionalField(instance["metadata"]))

    teacher = Teacher()
    lazy = type("Lazy", (), {"construct": lambda self: teacher})()
    inner = DatasetReader.from_params(Params({"type": "conllu_tagging", "surface_tokens": True}))
    first, second = DistillationReader(inner, lazy, teacher_inputs=True).read(path)
    assert teacher.seen == [["Bene", "!"]]
    assert first["teacher"].field is None and second["teacher"].field is not None
    assert first["tags"].field.labels and second["tags"].field.labels  # both have their gold


def test_options_and_files_that_are_refused(path, tmp_path):
    for kind in ("conllu_tagging", "conllu_parsing"):
        for options, message in (
            ({"tokens": "letters"}, f"{kind}: tokens must be one of words, spacy, found 'letters'"),
            (
                {"tokens": "spacy", "surface_tokens": True},
                "surface_tokens is of no use with tokens",
            ),
        ):
            with pytest.raises(ConfigurationError, match=message):
                read(kind, path, **options)
        with pytest.raises(ConfigurationError, match="the words of the language 'qq'"):
            read(kind, path, tokens="spacy", language="qq")
    bare = tmp_path / "bare.conllu"
    bare.write_text("1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n")
    with pytest.raises(ConfigurationError, match="sentence 1: the word 'x' has no upos"):
        read("conllu_tagging", str(bare), surface_tokens=True)
    with pytest.raises(
        ConfigurationError, match="the word 'x' must have a head and a label, found None"
    ):
        read("conllu_parsing", str(bare))
