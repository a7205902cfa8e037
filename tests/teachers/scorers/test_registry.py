"""Sub-classes of stock models: those that score as stock does teach, the others need a scorer."""

from dataclasses import replace
from typing import Any, Dict

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.models import Model
from allennlp.models.simple_tagger import SimpleTagger
from allennlp_models.structured_prediction.models.biaffine_dependency_parser import (
    BiaffineDependencyParser,
)
from allennlp_models.tagging.models.crf_tagger import CrfTagger

from allennlp_kd.models.crf_tagger_student import CrfTaggerStudent
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.scorers.biaffine_parser_scorer import BiaffineParserScorer
from allennlp_kd.teachers.scorers.crf_tagger_scorer import CrfTaggerScorer
from allennlp_kd.teachers.scorers.registry import SCORERS, find_scorer, scored_by
from allennlp_kd.teachers.scorers.simple_tagger_scorer import SimpleTaggerScorer
from tests.teachers.archive.test_archive import collated
from tests.teachers.archives import train_tagger
from tests.teachers.own_taggers import CountingTagger, LouderTagger


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test registers in a copy."""
    monkeypatch.setattr("allennlp_kd.teachers.scorers.registry.SCORERS", dict(SCORERS))


class LouderScorer(CrfTaggerScorer):
    def __call__(self, inputs: Dict[str, Any]) -> Any:
        found = super().__call__(inputs)
        return replace(found, emissions=2 * found.emissions)


@pytest.mark.parametrize(
    "kind, scorer",
    [
        (CrfTagger, CrfTaggerScorer),
        (SimpleTagger, SimpleTaggerScorer),
        (BiaffineDependencyParser, BiaffineParserScorer),
        (CrfTaggerStudent, CrfTaggerScorer),
        (CountingTagger, CrfTaggerScorer),
        (type("CountingStudent", (CrfTaggerStudent,), {"get_metrics": None}), CrfTaggerScorer),
        (type("Behind", (CrfTagger, type("After", (Model,), {"forward": 1})), {}), CrfTaggerScorer),
    ],
)
def test_scored_as_stock(kind, scorer):
    assert find_scorer(kind, "here") is scorer


@pytest.mark.parametrize(
    "kind, message",
    [
        (LouderTagger, "here holds a LouderTagger, whose forward is not CrfTagger's, so its .*scored_by"),
        (type("Quiet", (LouderTagger,), {}), "a Quiet, whose forward is not CrfTagger's"),
        (type("Mixed", (type("Mixin", (), {"forward": 1}), CrfTagger), {}), "a Mixed, whose forward"),
        (
            type("Parser", (BiaffineDependencyParser,), {"_parse": 1, "_get_head_tags": 1}),
            "a Parser, whose _get_head_tags, _parse are not BiaffineDependencyParser's",
        ),
        (type("Student", (CrfTaggerStudent,), {"potentials": 1}), "potentials is not CrfTaggerStudent's"),
        (type("Sly", (CrfTagger,), {"__call__": 1}), "whose __call__ is not"),
        (type("Other", (Model,), {}), "here holds a Other, but a teacher must be one of .*CrfTagger, "),
    ],
)  # fmt: skip
def test_scored_in_an_unknown_way(kind, message):
    with pytest.raises(ConfigurationError, match=message):
        find_scorer(kind, "here")


def test_an_archive_of_a_class_that_adds_a_metric(tmp_path):
    path = train_tagger(tmp_path, type="counting_tagger")
    teacher = ArchiveTeacher(path)
    assert type(teacher.model) is CountingTagger
    found = teacher.potentials(collated(teacher)["value"])
    torch.testing.assert_close(
        found.emissions, CrfTaggerScorer(teacher.model)(collated(teacher)["value"]).emissions
    )


def test_an_archive_of_a_class_with_scores_of_its_own(tmp_path):
    path = train_tagger(tmp_path, type="louder_tagger")
    with pytest.raises(
        ConfigurationError, match="model.tar.gz holds a LouderTagger, whose forward"
    ):
        ArchiveTeacher(path).labels
    scored_by(CrfTaggerScorer)(LouderTagger)
    teacher = ArchiveTeacher(path)
    plain = teacher.potentials(collated(teacher)["value"])
    scored_by(LouderScorer)(LouderTagger)
    loud = LouderScorer(teacher.model)(collated(teacher)["value"])
    torch.testing.assert_close(loud.emissions, 2 * plain.emissions)
