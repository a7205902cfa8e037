"""A distillation of the tiny tagging task with a teacher whose inputs are its scores."""

import torch

from allennlp_kd.models.distillation import Distillation
from tests.models.fake_teacher import FakeTeacher, SquaredDifference, teacher_inputs
from tests.models.tagging import instances, tagger, tensors, vocabulary

LENGTHS = [6, 2, 1, 7]
WORDS = 16


def model(alpha=0.5, labels=None, teacher=None, student="crf_tagger_student", **changes):
    vocab = vocabulary()
    torch.manual_seed(0)
    built = tagger(student, vocab, label_encoding="BIO")
    names = labels or list(vocab.get_token_to_index_vocabulary("labels"))
    teacher = teacher or FakeTeacher(names)
    objective = SquaredDifference()
    if "labels_policy" in changes:
        changes["labels"] = changes.pop("labels_policy")
    return Distillation(vocab, built, teacher, objective=objective, alpha=alpha, **changes)


def batch(found, rows=None, gold_rows=None):
    """All sentences; those of `rows` with teacher inputs, those of `gold_rows` with gold."""
    inputs = tensors(found.vocab, instances())
    inputs["teacher"] = teacher_inputs(LENGTHS, len(found.teacher.labels), rows)
    if gold_rows is not None:
        width = max((LENGTHS[row] for row in gold_rows), default=0)
        tags = inputs["tags"][gold_rows][:, :width]
        index = torch.tensor(gold_rows)
        inputs["tags"] = {"rows": index, "value": tags} if gold_rows else None
    return inputs


def expected_terms(found, rows, gold_rows):
    """Sentence by sentence."""
    inputs = batch(found)
    potentials = found.student.potentials(**inputs)
    gold = [
        float(found.student(**tensors(found.vocab, [instances()[row]]))["loss"])
        for row in gold_rows
    ]
    teacher = found.teacher.potentials(inputs["teacher"]["value"])
    losses = SquaredDifference()(potentials, teacher)
    return sum(gold), float(losses[rows].sum())
