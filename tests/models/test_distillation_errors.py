import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Vocabulary

from allennlp_kd.models.distillation import Distillation
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.top_k import TopK
from tests.models.fake_teacher import FakeTeacher
from tests.models.small_distillation import batch, model
from tests.models.tagging import tagger


@pytest.mark.parametrize("alpha", [-0.1, 1.5, float("nan")])
def test_alpha_must_be_a_share(alpha):
    with pytest.raises(ConfigurationError, match=f"lie in \\[0, 1\\], found {alpha}"):
        model(alpha)
    with pytest.raises(ConfigurationError, match=f"found {alpha}"):
        model().alpha = alpha


def test_a_stock_tagger_is_no_student():
    with pytest.raises(ConfigurationError, match="such as crf_tagger_student, found CrfTagger"):
        model(student="crf_tagger")


@pytest.mark.parametrize("kind", ["crf_tagger_student", "simple_tagger_student"])
def test_a_tagger_without_tags(kind):
    with pytest.raises(
        ConfigurationError, match="no tags in the namespace 'labels' .* `with_teacher_labels`"
    ):
        tagger(kind, Vocabulary())


def test_structures_must_go_together():
    teacher = FakeTeacher(["a"], structure="tree")
    with pytest.raises(ConfigurationError, match="structure is chain, the teacher's is tree"):
        model(teacher=teacher)
    plain = model()
    objective = Substructured(parts="arcs")
    with pytest.raises(ConfigurationError, match="Substructured with these options takes tree: "):
        Distillation(plain.vocab, plain.student, plain.teacher, objective=objective)


def test_a_chain_has_nothing_but_labels():
    with pytest.raises(
        ConfigurationError, match='policy "none" is only for trees .* structure chain'
    ):
        model(labels_policy="none")


def test_an_objective_is_asked_whether_it_can_be_of_so_many_labels():
    plain = model()
    with pytest.raises(ConfigurationError, match="k is 3, but with 1 label a sentence has only 1"):
        Distillation(
            plain.vocab,
            plain.student,
            FakeTeacher(plain.student.labels[:1]),
            objective=TopK(),
            labels="shared",
        )


def test_a_teacher_without_the_marginals_that_the_objective_needs():
    plain, teacher = model(), FakeTeacher(["a"])
    objective = Substructured(match="scores", form="weighted")
    with pytest.raises(
        ConfigurationError,
        match="Substructured needs marginals, which the teacher .*a store written with `marginals: true`",
    ):
        Distillation(plain.vocab, plain.student, teacher, objective=objective)


def test_training_without_teacher_inputs_says_what_the_reader_must_be():
    found = model()
    inputs = batch(found)
    del inputs["teacher"]
    with pytest.raises(ConfigurationError, match='reader must be of type "distillation"'):
        found(**inputs)
    found.alpha = 0.0
    assert "loss" in found(**inputs)
    found = model()
    found(**batch(found, rows=[]))
    assert "gold_loss" in found.get_metrics()
    with pytest.raises(ConfigurationError, match="sentences of an epoch have no teacher inputs"):
        found.get_metrics(reset=True)
    found = model()
    found(**batch(found, rows=[2]))
    found.get_metrics(reset=True)
    found(**batch(found, rows=[]))
    assert found.get_metrics(reset=True).keys() == {"gold_loss"}


def test_a_teacher_that_has_scored_other_words_is_refused():
    found = model()
    inputs = batch(found)
    inputs["teacher"]["value"]["words"][1] = 1
    with pytest.raises(ValueError, match="scored 1 words, but sentence 1 .* has 2"):
        found(**inputs)
    inputs = batch(found)
    inputs["teacher"] = {"rows": torch.tensor([0]), "value": inputs["teacher"]["value"]}
    with pytest.raises(ValueError, match="1 sentences have teacher inputs, .* scored 4"):
        found(**inputs)


@pytest.mark.parametrize("side", ["teacher", "student"])
def test_scores_that_are_no_numbers_are_refused(side):
    found = model()
    inputs = batch(found, rows=[0, 1])
    if side == "teacher":
        inputs["teacher"]["value"]["emissions"][1, 0, 2] = float("nan")
    else:
        found.student.tag_projection_layer._module.bias.data[0] = float("nan")
    row = 1 if side == "teacher" else 0
    with pytest.raises(ValueError, match=f"the {side}'s scores of sentence {row} .* contain NaN"):
        found(**inputs)
