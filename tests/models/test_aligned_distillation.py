"""Distilling to spaCy's tokens from a teacher of a treebank's words, from `allennlp train` to the metrics."""

import json

import pytest
from allennlp.commands.train import train_model
from allennlp.common import Params

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.store.potential_store import PotentialStore
from tests.models.experiments import experiment
from tests.models.tagging import tagger_config
from tests.readers.test_projected_readers import TREES


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A treebank, and an archive of a stock tagger of its words."""
    directory = tmp_path_factory.mktemp("treebank")
    for name in ("train.txt", "dev.txt"):
        (directory / name).write_text(TREES, encoding="utf-8")
    teacher = experiment(directory, {"type": "conllu_tagging"}, tagger_config("crf_tagger"))
    train_model(Params(teacher), str(directory / "teacher"))
    return directory


def trained(data, run, kind, objective="substructured", **reader):
    teacher = {"type": "archive", "archive_file": str(data / "teacher" / "model.tar.gz")}
    if kind == "store":
        teacher = {"type": "store", "directory": str(run / "store"), "teacher": teacher}
    inner = {"type": "conllu_tagging", "tokens": "spacy", "language": "it"}
    config = experiment(
        data,
        {"type": "distillation", "reader": inner, "teacher": teacher, **reader},
        {
            "type": "distillation",
            "student": tagger_config("crf_tagger_student"),
            "teacher": teacher,
            "objective": objective,
            "alpha": 0.5,
        },
    )
    train_model(Params(json.loads(json.dumps(config))), str(run / "run"))
    return json.loads((run / "run" / "metrics.json").read_text(encoding="utf-8"))


def test_a_store_teaches_as_the_archive_does(data, tmp_path):
    live, stored = tmp_path / "live", tmp_path / "stored"
    of_live, of_store = trained(data, live, "archive"), trained(data, stored, "store")
    for name in ("training_distillation_loss", "validation_distillation_loss", "training_loss"):
        assert of_live[name] == pytest.approx(of_store[name], rel=1e-5) and of_live[name] > 0
    # "alla" is scored as "a la".
    store = PotentialStore(str(stored / "store"))
    assert len(store) == 2
    for words in ("Va a la casa , sì .", "Bene !"):
        assert Sentence(tuple(words.split())).key in store


def test_whole_sentences_alone(data, tmp_path):
    whole = trained(data, tmp_path, "archive", {"type": "structural"}, teach_parts=False)
    assert whole["training_distillation_loss"] > 0
