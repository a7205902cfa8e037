"""The labels and the words of a student that is distilled."""

import pytest
import torch
from allennlp.common import Lazy, Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import Vocabulary
from allennlp.models import Model

from allennlp_kd.models.distillation import Distillation
from allennlp_kd.teachers.teacher_labels import VocabularyWithTeacherLabels
from tests.models.fake_teacher import FakeTeacher, SquaredDifference
from tests.models.small_distillation import batch
from tests.models.tagging import instances, tagger_config, vocabulary

LABELS = ["I-X", "O", "B-N", "I-N", "B-V", "B-X"]  # X is in no gold


def distillation(vocab, teacher=None, student=None, **options) -> Distillation:
    config = tagger_config("crf_tagger_student", label_encoding="BIO", **(student or {}))
    return Distillation(
        vocab,
        Lazy(Model, Params(config)),
        teacher or FakeTeacher(LABELS),
        objective=SquaredDifference(),
        **options,
    )


def test_labels_that_no_gold_has_are_the_teachers():
    vocab = vocabulary()
    known = dict(vocab.get_token_to_index_vocabulary("labels"))
    model = distillation(vocab)
    assert set(model.student.labels) == set(LABELS)
    assert {label: model.student.labels.index(label) for label in known} == known
    assert model.student.labels[len(known) :] == ["I-X", "B-X"]
    assert model.student.crf.num_tags == len(LABELS)
    loss = model(**batch(model))["loss"]
    loss.backward()
    place = model.student.labels.index("B-X")
    assert model.student.tag_projection_layer._module.weight.grad[place].any()


def test_text_alone_has_its_words_and_the_teachers_labels():
    texts = [(words, None) for words in ("the old dog", "a cat")]
    vocab = Vocabulary.from_instances(instances(sentences=texts))
    model = distillation(vocab, alpha=1.0)
    assert model.student.labels == LABELS
    words = vocab.get_token_to_index_vocabulary("tokens")
    assert {"the", "old", "dog", "a", "cat"} <= set(words)


def test_labels_with_the_students_names():
    vocab = vocabulary()
    names = {"B-X": "B-Z", "I-X": "I-Z"}
    model = distillation(vocab, label_map=names)
    assert set(model.student.labels) - set(LABELS) == {"B-Z", "I-Z"}


def test_a_label_that_the_teacher_lacks_is_refused_and_nothing_is_added():
    vocab = vocabulary()
    before = vocab.get_vocab_size("labels")
    with pytest.raises(
        ConfigurationError, match=r"Only the student has \['B-V'\]; only the teacher has"
    ):
        distillation(vocab, FakeTeacher([label for label in LABELS if label != "B-V"]))
    assert vocab.get_vocab_size("labels") == before


def test_shared_labels_leave_the_student_as_it_is():
    vocab = vocabulary()
    model = distillation(vocab, labels="shared")
    assert "B-X" not in model.student.labels


def test_labels_in_another_namespace():
    vocab = vocabulary()
    vocab.add_tokens_to_namespace(["O", "B-N"], "chunk_labels")
    model = distillation(vocab, student={"label_namespace": "chunk_labels"})
    assert model.student.labels[:2] == ["O", "B-N"]
    assert set(model.student.labels) == set(LABELS)
    assert "B-X" not in vocab.get_token_to_index_vocabulary("labels")


@pytest.mark.parametrize("words", [[], ["@@UNKNOWN@@"]])
def test_an_embedder_without_words_is_named(words):
    vocab = Vocabulary()
    vocab.add_tokens_to_namespace(words, "tokens")
    with pytest.raises(
        ConfigurationError,
        match="no entries in the namespace 'tokens' of the embedder "
        "'text_field_embedder.token_embedder_tokens', so every word would be unknown",
    ):
        distillation(vocab)


def test_an_embedder_of_a_given_size_reads_no_vocabulary():
    embedders = {"tokens": {"type": "embedding", "embedding_dim": 5, "num_embeddings": 9}}
    model = distillation(
        Vocabulary(), student={"text_field_embedder": {"token_embedders": embedders}}
    )
    assert model.student.labels == LABELS


class TestVocabularyWithTeacherLabels:
    @staticmethod
    def made(found, **options) -> Vocabulary:
        extras = {"teacher": FakeTeacher(LABELS), **options}
        config = Params({"type": "with_teacher_labels"})
        return Vocabulary.from_params(config, instances=found, **extras)

    def test_words_of_the_text_and_labels_of_the_teacher(self):
        vocab = self.made(instances())
        plain = vocabulary()
        assert isinstance(vocab, VocabularyWithTeacherLabels)
        assert vocab.get_token_to_index_vocabulary("tokens") == (
            plain.get_token_to_index_vocabulary("tokens")
        )
        assert set(vocab.get_token_to_index_vocabulary("labels")) == set(LABELS)

    def test_a_plain_student_has_these_labels(self):
        vocab = self.made(instances())
        torch.manual_seed(0)
        student = Model.from_params(Params(tagger_config("crf_tagger_student")), vocab=vocab)
        assert set(student.labels) == set(LABELS)

    def test_options_of_stock(self):
        vocab = self.made(instances(), min_count={"tokens": 2}, tokens_to_add={"tokens": ["emu"]})
        words = vocab.get_token_to_index_vocabulary("tokens")
        assert "emu" in words and "saw" in words and "dogs" not in words

    def test_another_namespace(self):
        vocab = self.made(instances(), label_namespace="chunk_labels")
        assert set(vocab.get_token_to_index_vocabulary("chunk_labels")) == set(LABELS)

    def test_trees(self):
        vocab = Vocabulary.from_params(
            Params({"type": "with_teacher_labels"}),
            instances=instances(),
            teacher=FakeTeacher(["root", "dep"], structure="tree"),
        )
        assert list(vocab.get_token_to_index_vocabulary("head_tags")) == ["root", "dep"]

    def test_saved_and_loaded(self, tmp_path):
        vocab = self.made(instances())
        vocab.save_to_files(str(tmp_path / "vocabulary"))
        loaded = VocabularyWithTeacherLabels.from_files(str(tmp_path / "vocabulary"))
        for namespace in ("tokens", "labels"):
            assert loaded.get_token_to_index_vocabulary(namespace) == (
                vocab.get_token_to_index_vocabulary(namespace)
            )
