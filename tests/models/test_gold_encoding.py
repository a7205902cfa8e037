"""Gold tags in another encoding than the tagger's are named in a warning."""

import itertools
import logging

import pytest
import torch
from allennlp.modules.conditional_random_field import allowed_transitions

from allennlp_kd.models.gold_encoding import GoldEncoding
from tests.models.small_distillation import batch, model
from tests.models.tagging import instances, tagger, tensors, vocabulary

LABELS = ["O", "B-N", "I-N", "B-V", "I-V"]
IOB1 = [("the old dog saw a cat", "I-N I-N I-N O I-N I-N"), ("dogs bark", "I-N I-V")]


def warnings(encoding, rows, labels=LABELS, lengths=None):
    """The messages for sentences of tags."""
    check, found = GoldEncoding(encoding, labels), []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    logger = logging.getLogger("allennlp_kd.models.gold_encoding")
    logger.addHandler(handler)
    try:
        tags = torch.tensor([[labels.index(tag) for tag in row] for row in rows])
        mask = torch.ones_like(tags, dtype=torch.bool)
        for row, length in enumerate(lengths or ()):
            mask[row, length:] = False
        check.check(tags, mask)
    finally:
        logger.removeHandler(handler)
    return found


@pytest.mark.parametrize("encoding", ["BIO", "IOB1"])
def test_a_sentence_is_named_where_stock_forbids_a_move(encoding):
    """Brute force over all tag sequences of three words."""
    allowed = set(allowed_transitions(encoding, dict(enumerate(LABELS))))
    start = len(LABELS)
    for row in itertools.product(range(len(LABELS)), repeat=3):
        moves = zip((start, *row), row)
        legal = all(move in allowed for move in moves)
        found = warnings(encoding, [[LABELS[tag] for tag in row]])
        assert len(found) == (0 if legal else 1)


def test_the_message():
    (found,) = warnings("BIO", [["O", "B-N", "I-N"], ["O", "I-V", "O"]])
    assert "label_encoding is 'BIO', but the gold tags have 'I-V' after 'O'" in found
    assert "convert_to_coding_scheme" in found and "IOB1" in found
    (found,) = warnings("BIO", [["I-N", "O", "O"]])
    assert "'I-N' at the start of a sentence, which BIO does not allow" in found


def test_padding_is_not_looked_at():
    assert not warnings("BIO", [["B-N", "O", "I-N"]], lengths=[2])


def test_only_the_first_sentences_are_looked_at(monkeypatch, caplog):
    monkeypatch.setattr(GoldEncoding, "SENTENCES", 2)
    check = GoldEncoding("BIO", LABELS)
    good, bad = torch.tensor([[0]]), torch.tensor([[2]])
    mask = torch.ones(1, 1, dtype=torch.bool)
    for tags in (good, good, bad):
        check.check(tags, mask)
    assert not caplog.messages
    monkeypatch.setattr(GoldEncoding, "SENTENCES", 3)
    check = GoldEncoding("BIO", LABELS)
    for tags in (good, bad, bad):
        check.check(tags, mask)
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("kind", ["crf_tagger_student", "simple_tagger_student"])
@pytest.mark.parametrize("training", [True, False])
def test_a_student_warns(kind, training, caplog):
    from allennlp.data import Vocabulary

    given = instances(sentences=IOB1)
    vocab = Vocabulary.from_instances(given)
    for encoding, expected in (("BIO", 1), ("IOB1", 0), (None, 0)):
        caplog.clear()
        changes = {} if encoding is None else {"label_encoding": encoding}
        found = tagger(kind, vocab, **changes).train(training)
        for _ in range(2):
            found(**tensors(vocab, given))
        assert len([m for m in caplog.messages if "label_encoding is" in m]) == expected
    right = vocabulary()
    caplog.clear()
    tagger(kind, right, label_encoding="BIO")(**tensors(right, instances()))
    assert not [m for m in caplog.messages if "label_encoding is" in m]


def test_a_distillation_warns(caplog):
    found = model()
    inputs = batch(found)
    inputs["tags"][0, 0] = found.vocab.get_token_index("I-N", "labels")
    found(**inputs)
    assert [m for m in caplog.messages if "have 'I-N' at the start of a sentence" in m]
