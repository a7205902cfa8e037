import pytest
import torch
from allennlp.training.callbacks.backward import OnBackwardException

from allennlp_kd.training.word_weighted_accumulation import WordWeightedAccumulation
from tests.training.loop import distillation, train


def weights(directory, batches, callbacks, accumulate):
    model = distillation()
    train(model, str(directory), batches, callbacks, accumulate=accumulate, epochs=2)
    return list(model.parameters())


def farthest(found, expected):
    return max(float((a - b).abs().max()) for a, b in zip(found, expected))


def test_accumulated_batches_equal_one_batch_of_their_sentences(tmp_path):
    one = weights(tmp_path / "one", [[0, 1, 2, 3], [3, 2]], [], accumulate=1)
    parts = [[0], [1, 2], [3], [2], [3]]
    # A group of 3 batches, and, as the trainer has it, one of the 2 that are left.
    found = weights(tmp_path / "parts", parts, [WordWeightedAccumulation("")], accumulate=3)
    assert farthest(found, one) < 1e-5
    # The trainer's own mean of the batches' means is another gradient.
    assert farthest(weights(tmp_path / "mean", parts, [], accumulate=3), one) > 1e-4


def test_without_accumulation_nothing_changes(tmp_path):
    batches = [[0], [1, 2], [3]]
    plain = weights(tmp_path / "plain", batches, [], accumulate=1)
    found = weights(tmp_path / "found", batches, [WordWeightedAccumulation("")], accumulate=1)
    assert all(torch.equal(a, b) for a, b in zip(found, plain))


def test_what_it_cannot_work_with():
    callback = WordWeightedAccumulation("")
    with pytest.raises(OnBackwardException, match="word_weighted_accumulation must be the only"):
        callback.on_backward(None, {}, backward_called=True)
    with pytest.raises(ValueError, match="'batch_words' .* found logits, loss"):
        callback.on_backward(None, {"loss": 1.0, "logits": 2.0}, backward_called=False)
