"""What readers are given: tokens or strings, tags, features, attributes; and what is refused."""

import re
from typing import Iterable, List

import pytest
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance, Token
from allennlp.data.dataset_readers import (
    InterleavingDatasetReader,
    ShardedDatasetReader,
    TextClassificationJsonReader,
)
from allennlp.data.fields import SequenceLabelField, TextField
from allennlp.data.tokenizers import WhitespaceTokenizer
from allennlp_models.structured_prediction import (
    SrlReader,
    UniversalDependenciesDatasetReader,
)
from allennlp_models.tagging import Conll2000DatasetReader, Conll2003DatasetReader

from allennlp_kd.fields.reader_inputs import ReaderInputs
from allennlp_kd.fields.sentence import Sentence

WORDS = ("the", "cat")
TAGGED = Sentence(WORDS, ("D", "N"))


class Reader(DatasetReader):
    def _read(self, file_path) -> Iterable[Instance]:
        raise NotImplementedError


class PlainTokens(Reader):
    def text_to_instance(self, tokens):
        return Instance({"tokens": TextField(tokens)})


class PlainWords(Reader):
    def text_to_instance(self, words):
        return Instance({"tokens": TextField([Token(word) for word in words])})


class Nothing(Reader):
    def text_to_instance(self, *inputs):
        return Instance({})


class Failing(Reader):
    def text_to_instance(self, tokens: List[Token]):
        return {}["no such key"]


@pytest.mark.parametrize(
    "reader",
    [
        Conll2000DatasetReader(),
        Conll2003DatasetReader(),
        ShardedDatasetReader(Conll2000DatasetReader()),
        UniversalDependenciesDatasetReader(),
        PlainTokens(),
        PlainWords(),
    ],
    ids=lambda reader: type(reader).__name__,
)
def test_readers_take_tokens_or_strings(reader):
    made = ReaderInputs(reader).instance_of(Sentence(WORDS))
    field = made["words"] if "words" in made.fields else made["tokens"]
    assert [token.text for token in field.tokens] == list(WORDS)
    assert "tags" not in made.fields


def test_tags_are_given_where_they_are_demanded():
    trees = ReaderInputs(UniversalDependenciesDatasetReader())
    assert trees.annotations == ["upos_tags"]
    assert trees.instance_of(TAGGED)["pos_tags"].labels == ["D", "N"]
    assert trees.instance_of(TAGGED, needed=())["pos_tags"].labels == ["_", "_"]
    assert trees.instance_of(Sentence(WORDS))["pos_tags"].labels == ["_", "_"]
    expected = "the reader UniversalDependenciesDatasetReader needs upos_tags, but the sentence 'the cat' has no part"
    with pytest.raises(ConfigurationError, match=expected):
        trees.instance_of(Sentence(WORDS), needed=["upos_tags"])


def test_features_are_given_where_they_are_demanded():
    reader = Conll2003DatasetReader(
        feature_labels=["pos", "chunk", "ner"], convert_to_coding_scheme="BIOUL"
    )
    inputs = ReaderInputs(reader)
    assert inputs.annotations == ["pos_tags", "chunk_tags", "ner_tags"]
    student = Conll2003DatasetReader(feature_labels=["pos", "chunk"]).text_to_instance(
        [Token(word) for word in WORDS], ["D", "N"], ["B-NP", "I-NP"], ["O", "B-x"]
    )
    sentence = Sentence.of(student)
    assert sentence.features == (("chunk_tags", ("B-NP", "I-NP")),)
    made = inputs.instance_of(sentence)
    assert made["pos_tags"].labels == ["D", "N"]
    assert made["chunk_tags"].labels == ["B-NP", "L-NP"]
    assert made["ner_tags"].labels == ["O", "O"]
    with pytest.raises(ConfigurationError, match="needs ner_tags, but the sentence .* has none"):
        inputs.instance_of(sentence, needed=["ner_tags"])


def test_attributes_of_tokens_are_carried():
    tokens = [Token("the", lemma_="the", ent_type_=""), Token("cats", lemma_="cat")]
    sentence = Sentence.of(Instance({"tokens": TextField(tokens)}))
    assert sentence.features == (("lemma_", ("the", "cat")), ("ent_type_", ("", None)))
    assert sentence.has("lemma_") and not sentence.has("ent_type_") and not sentence.has("tag_")
    assert [(t.text, t.lemma_, t.ent_type_) for t in sentence.tokens()] == [
        ("the", "the", ""),
        ("cats", "cat", None),
    ]
    made = ReaderInputs(Conll2000DatasetReader()).instance_of(sentence)
    assert [token.lemma_ for token in made["tokens"].tokens] == ["the", "cat"]


def test_keys():
    """Other tags are another sentence; features count where a teacher reads them."""
    sentence = Sentence(WORDS, None, (("lemma_", ("the", "cat")),))
    keys = {Sentence(WORDS).key, TAGGED.key, Sentence(WORDS, ("D", "D")).key}
    assert len(keys) == 3
    assert sentence.key == sentence.key_with([]) == Sentence(WORDS).key
    assert sentence.key_with(["lemma_"]) != Sentence(WORDS).key_with(["lemma_"])
    assert sentence.key_with(["lemma_"]) == sentence.key_with(["lemma_"])


@pytest.mark.parametrize(
    "reader,message",
    [
        (
            TextClassificationJsonReader(tokenizer=WhitespaceTokenizer()),
            "of the reader TextClassificationJsonReader takes text that it splits itself (text), but "
            "must take the words",
        ),
        (
            InterleavingDatasetReader({"a": Conll2000DatasetReader()}),
            "of the reader InterleavingDatasetReader takes text that it splits itself (dataset_key)",
        ),
        (
            SrlReader(),
            "of the reader SrlReader needs verb_label, but a sentence has only words and",
        ),
        (Nothing(), "of the reader Nothing takes no named words (any arguments), but must take"),
        (
            Failing(),
            "the reader Failing cannot make an instance of the sentence 'the cat': KeyError: 'no such",
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_readers_that_cannot_be_given_a_sentence(reader, message):
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        ReaderInputs(reader).instance_of(TAGGED)


def test_gold_is_no_feature():
    tokens = TextField([Token(word) for word in WORDS])
    gold = {name: SequenceLabelField(["a", "b"], tokens) for name in ("tags", "head_tags")}
    assert Sentence.of(Instance({"tokens": tokens, **gold})).features == ()
