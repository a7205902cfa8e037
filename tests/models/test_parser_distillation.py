"""A parser student under a live parser teacher, in one process."""

from typing import Any, Dict, List, Optional, Sequence

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Vocabulary

from allennlp_kd.models.distillation import Distillation
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.readers.distillation_reader import DistillationReader
from allennlp_kd.structs.tree import maximum_spanning_tree
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from tests.models.parsing import SENTENCES, instances, parser, vocabulary
from tests.models.tagging import tensors
from tests.teachers.archives import train_tagger
from tests.teachers.parsers import WORDS as TEXTS, collated, train_parser

WORDS = sum(len(words.split()) for words, *_ in SENTENCES)
OBJECTIVES: Dict[str, Dict[str, Any]] = {
    "predictions": {},
    "arcs": {"parts": "arcs"},
    "labels": {"parts": "labels"},
    "raw": {"match": "scores", "form": "raw"},
    "centred, best": {"match": "scores", "heads": "best", "best": 2},
    "centred, probable": {"match": "scores", "heads": "probable"},
    "tempered": {"temperature": 2.0},
}
# The same trees, in another order, so that labels come in another order too.
BACKWARDS = SENTENCES[::-1]
RENAMED = [
    (words, tags, labels.replace("nmod:poss", "nmod"), heads)
    for words, tags, labels, heads in SENTENCES
]


@pytest.fixture(scope="module")
def backwards(tmp_path_factory) -> str:
    return train_parser(tmp_path_factory.mktemp("backwards"), True, BACKWARDS)


@pytest.fixture(scope="module")
def renamed(tmp_path_factory) -> str:
    """Without subtypes of labels."""
    return train_parser(tmp_path_factory.mktemp("renamed"), False, RENAMED)


def build(path: str, objective: Optional[Substructured] = None, **changes: Any) -> Distillation:
    vocab = vocabulary()
    torch.manual_seed(0)
    student = parser("biaffine_parser_student", vocab)
    return Distillation(vocab, student, ArchiveTeacher(path), objective=objective, **changes)


def batch(
    model: Distillation, rows: Optional[List[int]] = None, sentences: Sequence[Any] = SENTENCES
) -> Dict[str, Any]:
    """As the reader makes it; of some rows it withholds gold, if `rows` are those that keep it."""
    reader = DistillationReader(
        reader=None, teacher=FakeLazy(model.teacher), labelled_fraction=1.0, teacher_inputs=True
    )
    made = list(reader._prepared(instances(sentences)))
    if rows is not None:
        for row, instance in enumerate(made):
            for name in model.student.gold_fields:
                instance[name].withheld = row not in rows
    return tensors(model.vocab, made)


class FakeLazy:
    def __init__(self, teacher):
        self.construct = lambda: teacher


def by_hand(model: Distillation, objective: Substructured, rows=None) -> tuple:
    """Both terms, summed sentence by sentence, with the teacher's labels looked up by name."""
    gold, distillation = 0.0, 0.0
    for row, sentence in enumerate(SENTENCES):
        inputs = tensors(model.vocab, instances([sentence]))
        potentials = model.student.potentials(**inputs)
        if rows is None or row in rows:
            words = len(sentence[0].split())
            gold += model.student(**inputs)["loss"].item() * words
        teacher = ArchiveTeacher(model.teacher.archive_file)
        scores = teacher.potentials(collated(teacher, TEXTS[row : row + 1]))
        order = [teacher.labels.index(label) for label in model.student.labels]
        distillation += objective(potentials, scores.select_labels(order)).item()
    return gold, distillation


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_loss_is_both_terms_per_word_with_labels_matched_by_name(name, backwards):
    objective = Substructured(**OBJECTIVES[name])
    model = build(backwards, objective, alpha=0.3)
    assert model.student.labels != model.teacher.labels
    assert set(model.student.labels) == set(model.teacher.labels)
    found = model(**batch(model))
    gold, distillation = by_hand(model, objective)
    expected = (0.7 * gold + 0.3 * distillation) / WORDS
    assert found["loss"].item() == pytest.approx(expected, rel=1e-4)
    assert found["batch_words"] == WORDS and found.keys() == {"loss", "batch_words"}
    metrics = model.get_metrics()
    assert metrics["gold_loss"] == pytest.approx(gold / WORDS, rel=1e-4)
    assert metrics["distillation_loss"] == pytest.approx(distillation / WORDS, rel=1e-4)
    assert distillation > 1e-4


@pytest.mark.parametrize("rows", [[0, 2, 4], [2], []])
def test_sentences_without_gold(rows, backwards):
    objective = Substructured()
    model = build(backwards, objective, alpha=0.4)
    found = model(**batch(model, rows))
    gold, distillation = by_hand(model, objective, rows)
    expected = (0.6 * gold + 0.4 * distillation) / WORDS
    assert found["loss"].item() == pytest.approx(expected, rel=1e-4)
    found["loss"].backward()
    assert all(parameter.grad is not None for parameter in model.parameters() if parameter.numel())
    # Validation keeps gold that was withheld from training.
    model.eval()
    model.get_metrics(reset=True)
    model(**batch(model, rows))
    metrics = model.get_metrics()
    whole, _ = by_hand(model, objective)
    assert metrics["gold_loss"] == pytest.approx(whole / WORDS, rel=1e-4)
    assert 0 <= metrics["LAS"] <= metrics["UAS"] <= 1


def test_training_brings_the_student_to_its_teacher(backwards):
    model = build(backwards, alpha=1.0)
    teacher = model.teacher._open().model
    weights = {name: value.clone() for name, value in teacher.state_dict().items()}
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    assert not set(map(id, teacher.parameters())) & set(map(id, model.parameters()))
    assert model.state_dict().keys() == model.student.state_dict().keys()
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = model(**batch(model))["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert not teacher.training
    assert all(torch.equal(weights[name], value) for name, value in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())
    model.eval()
    model.get_metrics(reset=True)
    model(**batch(model))
    assert model.get_metrics()["agreement"] > 0.7


def test_the_teacher_draws_no_random_numbers(backwards):
    model = build(backwards)
    inputs = batch(model)
    state = torch.get_rng_state()
    model._pairing(model.student.eval().potentials(**inputs), inputs["teacher"]["value"])
    assert torch.equal(torch.get_rng_state(), state)


def test_agreement_is_with_the_teachers_best_trees(backwards):
    model = build(backwards).eval()
    outputs = model(**batch(model))
    scores = model.teacher.potentials(collated(model.teacher, TEXTS))
    heads, labels, _ = maximum_spanning_tree(scores)
    same = 0
    for row, (words, *_) in enumerate(SENTENCES):
        for place in range(len(words.split())):
            head = int(outputs["heads"][row, place + 1])
            label = model.student.labels[int(outputs["head_tags"][row, place + 1])]
            expected = model.teacher.labels[int(labels[row, place])]
            same += (head, label) == (int(heads[row, place]), expected)
    assert model.get_metrics()["agreement"] == pytest.approx(same / WORDS)


def test_a_store_gives_the_same_loss(backwards, tmp_path):
    live = build(backwards, alpha=0.7)
    expected = live(**batch(live))["loss"]
    live.teacher = StoreTeacher(str(tmp_path / "store"), ArchiveTeacher(backwards))
    live._pairing._teacher = live.teacher
    found = live(**batch(live))["loss"]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


class TestLabelsThatDiffer:
    def test_are_refused_by_name(self, renamed):
        with pytest.raises(
            ConfigurationError,
            match=r"Only the student has \['nmod:poss'\]; only the teacher has \['nmod'\]",
        ):
            build(renamed)

    def test_may_be_mapped(self, renamed):
        model = build(renamed, label_map={"nmod": "nmod:poss"}, alpha=1.0)
        names = [{"nmod": "nmod:poss"}.get(name, name) for name in model.teacher.labels]
        _, teacher = model._pairing(*pair(model))
        assert teacher.num_labels == len(model.student.labels)
        scores = model.teacher.potentials(collated(model.teacher, TEXTS))
        order = [names.index(name) for name in model.student.labels]
        cells = scores.arc_mask
        expected = scores.label_scores()[..., order][cells]
        torch.testing.assert_close(teacher.label_scores()[cells], expected)
        assert model(**batch(model))["loss"].item() > 0

    def test_may_be_left_out(self, renamed):
        model = build(renamed, labels="shared", alpha=1.0)
        student, teacher = model._pairing(*pair(model))
        assert student.num_labels == teacher.num_labels == len(model.student.labels) - 1
        loss = model(**batch(model))["loss"]
        loss.backward()
        place = model.student.labels.index("nmod:poss")
        assert not model.student.tag_bilinear.weight.grad[place].any()
        assert model.student.tag_bilinear.weight.grad.any()
        model.eval()
        model(**batch(model))
        assert 0 <= model.get_metrics()["agreement"] <= 1

    @pytest.mark.parametrize("stored", [False, True])
    def test_several_may_be_one(self, backwards, tmp_path, stored):
        """A student of universal labels, under a teacher that tells more of them apart."""
        names = {"nmod:poss": "nmod", "amod": "nmod"}
        sentences = []
        for words, tags, labels, heads in SENTENCES:
            labels = " ".join(names.get(label, label) for label in labels.split())
            sentences.append((words, tags, labels, heads))
        vocab = Vocabulary.from_instances(instances(sentences))
        teacher = ArchiveTeacher(backwards)
        if stored:
            teacher = StoreTeacher(str(tmp_path / "store"), teacher)
        student = parser("biaffine_parser_student", vocab)
        with pytest.raises(ConfigurationError, match="only the teacher has .*'nmod:poss'"):
            Distillation(vocab, student, teacher)
        model = Distillation(vocab, student, teacher, alpha=1.0, label_map=names)
        inputs = batch(model, sentences=sentences)
        teacher_inputs = inputs["teacher"]["value"]
        potentials = model.student.potentials(**inputs)
        _, found = model._pairing(potentials, teacher_inputs)
        cells = found.arc_mask
        fine = teacher.potentials(teacher_inputs).label_scores()[cells].softmax(dim=-1)
        expected = torch.zeros(len(fine), len(student.labels))
        for index, label in enumerate(teacher.labels):
            expected[:, student.labels.index(names.get(label, label))] += fine[:, index]
        torch.testing.assert_close(found.label_scores()[cells].softmax(dim=-1), expected)
        model(**inputs)["loss"].backward()
        model.eval()
        model(**inputs)
        assert 0 <= model.get_metrics()["agreement"] <= 1

    def test_or_arcs_alone_are_matched(self, renamed):
        model = build(renamed, labels="none", alpha=1.0)
        student, teacher = model._pairing(*pair(model))
        assert student.labels is None and teacher.labels is None
        arcs = Substructured(parts="arcs")
        expected = arcs(student, teacher).sum() / WORDS
        loss = model(**batch(model))["loss"]
        torch.testing.assert_close(loss, expected)
        model.eval()
        model(**batch(model))
        assert 0 <= model.get_metrics()["agreement"] <= 1


def pair(model: Distillation) -> tuple:
    inputs = batch(model)
    return model.student.potentials(**inputs), inputs["teacher"]["value"]


def test_a_tagger_is_no_teacher_of_a_parser(tmp_path):
    with pytest.raises(ConfigurationError, match="structure is tree, the teacher's is chain"):
        build(train_tagger(tmp_path))
