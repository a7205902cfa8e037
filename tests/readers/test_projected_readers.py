"""Reading a treebank in surface tokens or in spaCy's tokens."""

from types import MappingProxyType

import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Vocabulary
from allennlp.data.fields import MetadataField
from allennlp_models.structured_prediction import UniversalDependenciesDatasetReader
from allennlp_models.tagging import Conll2000DatasetReader

import allennlp_kd.readers.conllu_parsing_reader  # noqa: F401
import allennlp_kd.readers.conllu_tagging_reader  # noqa: F401
from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.fields.sentence import Sentence
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
    words = first["metadata"].metadata["teacher_words"]
    assert words.sentence.words == ("Va", "a", "la", "casa", ",", "sì", ".")
    assert words.aligned == ((0, 0), (2, 3), (3, 4), (4, 5), (5, 6))
    assert second["metadata"].metadata["teacher_words"] is None
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
        assert own["metadata"].metadata["teacher_words"] is None


@pytest.fixture
def cut(tmp_path):
    """A word that spaCy cuts into three."""
    path = tmp_path / "cut.conllu"
    path.write_text("# text = snow-white x\n1\tsnow-white\t_\tADJ\tJJ\t_\t2\tamod\t_\t_\n"
                    "2\tx\t_\tNOUN\tNN\t_\t0\troot\t_\t_\n")  # fmt: skip
    return str(path)


def test_words_in_several_tokens(cut, caplog):
    caplog.set_level("INFO")
    (instance,) = read("conllu_tagging", cut, tokens="spacy")
    assert [token.text for token in instance["tokens"].tokens] == ["snow", "-", "white", "x"]
    assert instance["tags"].labels == ["ADJ", "ADJ", "ADJ", "NOUN"]
    assert read("conllu_parsing", cut, tokens="spacy") == []
    assert "1 sentences whose annotation cannot be projected are left out" in caplog.text


class Teacher:
    """Keeps what it is asked to score."""

    FIELD = "teacher"

    def __init__(self):
        self.seen = []

    def attach(self, instances):
        for instance in instances:
            self.seen.append(Sentence.of(instance))
            instance.add_field(self.FIELD, OptionalField(MetadataField(self.seen[-1])))


def distilled(kind, path, teacher, options=MappingProxyType({}), **inner):
    lazy = type("Lazy", (), {"construct": lambda self: teacher})()
    reader = DatasetReader.from_params(Params({"type": kind, **inner}))
    found = DistillationReader(reader, lazy, teacher_inputs=True, **options)
    return list(found.read(path))


@pytest.mark.parametrize("kind", ["conllu_tagging", "conllu_parsing"])
def test_the_teacher_scores_the_words_of_the_treebank(kind, path, caplog):
    caplog.set_level("INFO")
    teacher = Teacher()
    first, second = distilled(kind, path, teacher, tokens="spacy", language="it")
    assert [" ".join(sentence.words) for sentence in teacher.seen] == [
        "Va a la casa , sì .",
        "Bene !",
    ]
    if kind == "conllu_parsing":
        assert teacher.seen[0].tags == ("VERB", "ADP", "DET", "NOUN", "PUNCT", "INTJ", "PUNCT")
    # "alla" is "a la", so it is neither.
    alignment = first["teacher_alignment"].field.tensor.tolist()
    assert alignment == [[0, 0], [2, 3], [3, 4], [4, 5], [5, 6]]
    assert second["teacher_alignment"].field is None
    for instance, sentence in zip((first, second), teacher.seen):
        assert instance["teacher"].field.metadata is sentence
        assert instance["tags" if kind == "conllu_tagging" else "head_tags"].field.labels
    assert (
        "the teacher teaches 7 of 8 tokens (87.50 %), those that are one word of the corpus; of 2 sentences it "
        "teaches 1 whole and 1 in parts" in caplog.text
    )


def test_without_parts_the_teacher_scores_its_own_words_alone(path, caplog):
    caplog.set_level("INFO")
    teacher = Teacher()
    options = {"teach_parts": False}
    first, second = distilled("conllu_tagging", path, teacher, options, surface_tokens=True)
    assert [sentence.words for sentence in teacher.seen] == [("Bene", "!")]
    assert first["teacher"].field is None and second["teacher"].field is not None
    assert first["teacher_alignment"].field is None
    assert first["tags"].field.labels and second["tags"].field.labels  # both have their gold
    assert "the teacher teaches 2 of 8 tokens (25.00 %)" in caplog.text


def test_a_tree_whose_words_are_cut_has_no_gold_and_is_taught(cut, caplog):
    caplog.set_level("INFO")
    teacher = Teacher()
    (found,) = distilled("conllu_parsing", cut, teacher, tokens="spacy")
    assert teacher.seen[0].words == ("snow-white", "x")
    assert found["teacher_alignment"].field.tensor.tolist() == [[3, 1]]
    assert found["head_tags"].field is None and found["head_indices"].field is None
    assert (
        "0 sentences whose annotation cannot be projected are left out, 1 have no gold"
        in caplog.text
    )
    assert Vocabulary.from_instances([found]).get_vocab_size("head_tags") == 0  # no "goeswith"
    with pytest.raises(ConfigurationError, match="no sentences"):
        distilled("conllu_parsing", cut, Teacher(), {"teach_parts": False}, tokens="spacy")


def test_a_teacher_that_does_not_know_a_sentence_teaches_none_of_it(path):
    class Ignorant(Teacher):
        def attach(self, instances):
            for instance in instances:
                instance.add_field(self.FIELD, OptionalField(None))

    for instance in distilled("conllu_tagging", path, Ignorant(), surface_tokens=True):
        assert instance["teacher"].field is None and instance["teacher_alignment"].field is None


def test_a_sentence_without_a_word_in_common_is_not_scored(tmp_path):
    path = tmp_path / "trees.conllu"
    path.write_text("1-2\talla\t_\t_\t_\t_\t_\t_\t_\t_\n1\ta\t_\tADP\tE\t_\t2\tcase\t_\t_\n"
                    "2\tla\t_\tDET\tRD\t_\t0\troot\t_\t_\n")  # fmt: skip
    teacher = Teacher()
    (found,) = distilled("conllu_tagging", str(path), teacher, surface_tokens=True)
    assert teacher.seen == [] and found["teacher"].field is None and found["tags"].field.labels


def test_columns_have_no_text_to_cut_anew():
    with pytest.raises(TypeError, match="unexpected keyword argument 'tokens'"):
        Conll2000DatasetReader.from_params(Params({"tokens": "spacy"}))


def test_options_and_files_that_are_refused(path, tmp_path):
    for kind in ("conllu_tagging", "conllu_parsing"):
        for options, message in (
            ({"tokens": "letters"}, f"{kind}: tokens must be one of words, spacy, found 'letters'"),
            (
                {"tokens": "spacy", "surface_tokens": True},
                "surface_tokens has no effect with tokens",
            ),
        ):
            with pytest.raises(ConfigurationError, match=message):
                read(kind, path, **options)
        with pytest.raises(ConfigurationError, match="no tokenizer for the language 'qq'"):
            read(kind, path, tokens="spacy", language="qq")
    bare = tmp_path / "bare.conllu"
    bare.write_text("1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n")
    with pytest.raises(ConfigurationError, match="sentence 1: the word 'x' has no upos"):
        read("conllu_tagging", str(bare), surface_tokens=True)
    with pytest.raises(
        ConfigurationError, match="the word 'x' must have a head and a label, found None"
    ):
        read("conllu_parsing", str(bare))
