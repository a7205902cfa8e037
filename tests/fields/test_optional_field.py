"""The batches of fields that a sentence may lack."""

import copy
import pickle

import pytest
import torch
from allennlp.data.fields import MetadataField
from allennlp.nn.util import move_to_device

import allennlp_kd.models.biaffine_parser_student
import allennlp_kd.models.simple_tagger_student  # noqa: F401 (both are registered)
from allennlp_kd.fields.optional_field import OptionalBatch, OptionalField
from tests.models import parsing, tagging

TAGGERS = ["crf_tagger", "crf_tagger_student", "simple_tagger_student"]


def wrapped(field):
    """Gold as a reader of type `distillation` gives it."""
    return OptionalField(field)


@pytest.mark.parametrize(
    "kind, task, gold, make",
    [(kind, tagging, "tags", tagging.tagger) for kind in TAGGERS]
    + [("biaffine_parser_student", parsing, "head_indices", parsing.parser)],
)
def test_a_model_that_takes_plain_batches_is_explained(kind, task, gold, make):
    vocab = task.vocabulary()
    found = task.instances()
    for instance in found:
        instance.fields[gold] = wrapped(instance.fields[gold])
    message = "from a dataset reader of type 'distillation', but the model .* use a model of type"
    with pytest.raises(AttributeError, match=message):
        make(kind, vocab)(**tagging.tensors(vocab, found))


def test_a_batch_is_a_dictionary():
    fields = [OptionalField(MetadataField("a")), OptionalField(None)]
    batch = fields[0].batch_tensors(fields)
    assert batch == {"rows": torch.tensor([0]), "value": ["a"]}
    for same in (
        pickle.loads(pickle.dumps(batch)),
        copy.deepcopy(batch),
        move_to_device(batch, -1),
    ):
        assert type(same) is OptionalBatch
        assert same == batch
    assert not hasattr(batch, "__array__") and not hasattr(batch, "_fields")
    assert fields[1].batch_tensors(fields[1:]) is None
