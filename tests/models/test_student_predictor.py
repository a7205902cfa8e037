"""`allennlp predict` of students: offline, from text or words."""

import json

import pytest
import torch
from allennlp.commands import main
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.models import Model
from allennlp.models.archival import load_archive
from allennlp.predictors import Predictor

from allennlp_kd.models.distillation import Distillation
from allennlp_kd.models.student_predictor import (
    ParserStudentPredictor,
    StudentPredictor,
    TaggerStudentPredictor,
)
from tests.models.experiments import READER, distillation_config, experiment, write_data
from tests.models.tagging import tagger_config
from tests.teachers.parsers import train_parser

WORDS = ["the", "old", "dog", "does", "n't", "bark"]


class FakePredictor(Predictor):
    def __init__(self, model, reader, extra=0):
        super().__init__(model, reader)
        self.extra = extra


Predictor.register("fake-of-a-student")(FakePredictor)


def test_it_stands_for_the_students_own():
    model = Model(vocab=None)
    model.weight = torch.nn.Parameter(torch.zeros(1))  # tells a predictor its device
    make = Predictor.by_name(Distillation.default_predictor)
    assert make == StudentPredictor.of_student
    assert type(make(model, "reader")) is Predictor
    model.default_predictor = "fake-of-a-student"
    found = make(model, "reader", extra=3)
    assert type(found) is FakePredictor and found.extra == 3


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    """Nothing is fetched, and no spaCy model loaded."""
    for name in ("spacy_download", "get_spacy_model"):
        monkeypatch.setattr(
            f"allennlp.common.util.{name}", lambda *a, **k: pytest.fail("a model is wanted")
        )
    monkeypatch.setattr(
        "allennlp.data.tokenizers.spacy_tokenizer.get_spacy_model",
        lambda *a, **k: pytest.fail("a model is wanted"),
    )


@pytest.fixture(scope="module")
def taggers(tmp_path_factory):
    """Archives of a plain student, an independent one, and one that a distillation has left."""
    folder = tmp_path_factory.mktemp("students")
    write_data(folder)
    models = {
        name: tagger_config(name, label_encoding="BIO")
        for name in ("crf_tagger_student", "simple_tagger_student")
    }
    models["run"] = tagger_config("crf_tagger", label_encoding="BIO")
    for name, model in models.items():
        train_model(Params(experiment(folder, READER, model, num_epochs=1)), str(folder / name))
    train_model(Params(distillation_config(folder, "archive")), str(folder / "distillation"))
    return folder


@pytest.fixture(scope="module")
def parsers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parsers")
    return {
        tags: train_parser(folder / str(tags), with_tags=tags, kind="biaffine_parser_student")
        for tags in (False, True)
    }


@pytest.mark.parametrize("name", ["crf_tagger_student", "simple_tagger_student", "distillation"])
def test_a_tagger_takes_text_or_words(taggers, name):
    predictor = Predictor.from_path(str(taggers / name / "model.tar.gz"))
    assert type(predictor) is TaggerStudentPredictor
    text = predictor.predict_json({"sentence": "the old dog  doesn't bark\n"})
    words = predictor.predict_json({"words": WORDS})
    assert text["words"] == words["words"] == WORDS
    assert text["tags"] == words["tags"] and text["logits"] == words["logits"]
    assert predictor.predict("the old dog doesn't bark")["tags"] == words["tags"]
    batch = predictor.predict_batch_json([{"words": WORDS}, {"sentence": "cat"}])
    assert [each["words"] for each in batch] == [WORDS, ["cat"]]
    assert batch[0]["tags"] == words["tags"]


def test_the_command(taggers, tmp_path, monkeypatch):
    (tmp_path / "input").write_text('{"sentence": "dogs bark"}\n')
    archive = str(taggers / "distillation" / "model.tar.gz")
    inputs, output = str(tmp_path / "input"), str(tmp_path / "output")
    arguments = ["predict", archive, inputs, "--output-file", output, "--silent"]
    monkeypatch.setattr("sys.argv", ["allennlp", *arguments])
    main()
    (line,) = (tmp_path / "output").read_text().splitlines()
    assert json.loads(line)["words"] == ["dogs", "bark"]


def test_a_parser_takes_text_or_words(parsers):
    predictor = Predictor.from_path(parsers[False])
    assert type(predictor) is ParserStudentPredictor
    text = predictor.predict_json({"sentence": "the old dog doesn't bark"})
    words = predictor.predict_json({"words": WORDS})
    assert text["words"] == WORDS and text["pos"] == ["_"] * len(WORDS)
    assert text["predicted_heads"] == words["predicted_heads"]
    assert text["predicted_heads"].count(0) == 1


def test_a_parser_that_embeds_tags_needs_them(parsers):
    predictor = Predictor.from_path(parsers[True])
    tags = ["DET", "ADJ", "NOUN", "AUX", "PART", "VERB"]
    found = predictor.predict_json({"words": WORDS, "pos": tags})
    assert found["pos"] == tags
    message = "the reader UniversalDependenciesDatasetReader needs upos_tags, but the sentence 'dogs bark' has no"
    for given in ({"sentence": "dogs bark"}, {"words": ["dogs", "bark"]}):
        with pytest.raises(ConfigurationError, match=message):
            predictor.predict_json(given)


def test_an_installed_pipeline_gives_the_tags(parsers, tmp_path):
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("attribute_ruler").add([[{}]], {"POS": "NOUN", "TAG": "NN"})
    pipeline.to_disk(tmp_path / "pipeline")
    predictor = Predictor.from_path(parsers[True], language=str(tmp_path / "pipeline"))
    assert predictor.predict_json({"sentence": "dogs bark"})["pos"] == ["NOUN", "NOUN"]


@pytest.mark.parametrize(
    "given,message",
    [
        ({"text": "a"}, "must have a 'sentence' .* or 'words' .*, found {'text': 'a'}"),
        ({"sentence": " "}, "a sentence must have at least one word"),
        ({"words": []}, "'words' of an input must be a list of at least one string, found .."),
        ({"words": "a cat"}, "'words' of an input must be a list of .*, found a cat"),
        ({"words": ["a"], "pos": [1]}, "'pos' of an input must be a list of .*, found .1."),
        ({"words": ["a"], "pos": ["D", "N"]}, "as many 'pos' as 'words', found 2 and 1"),
    ],
)
def test_inputs_that_are_refused(taggers, given, message):
    predictor = Predictor.from_path(str(taggers / "crf_tagger_student" / "model.tar.gz"))
    with pytest.raises(ConfigurationError, match=message):
        predictor.predict_json(given)


def test_an_unknown_language(taggers):
    predictor = Predictor.from_path(
        str(taggers / "crf_tagger_student" / "model.tar.gz"), language="zz"
    )
    with pytest.raises(
        ConfigurationError, match="spaCy has no tokenizer for the language 'zz', and no"
    ):
        predictor.predict_json({"sentence": "a"})


def test_evaluate_names_an_unknown_label_and_its_file(taggers, tmp_path, monkeypatch):
    (tmp_path / "test.txt").write_text("the###B-N\tdog###I-N\nwalrus###B-WRONG\n")
    archive, data = str(taggers / "distillation" / "model.tar.gz"), str(tmp_path / "test.txt")
    message = (
        "test.txt has the label 'B-WRONG', which is not in the model's vocabulary .namespace "
        "'labels': B-N, .* the sentence is 'walrus'"
    )
    monkeypatch.setattr("sys.argv", ["allennlp", "evaluate", archive, data])
    with pytest.raises(ConfigurationError, match=message):
        main()
    assert load_archive(archive).model.vocab.get_vocab_size("labels") == 4
