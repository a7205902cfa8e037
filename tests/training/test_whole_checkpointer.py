import os

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.training.trainer import TrainerCheckpoint

from allennlp_kd.training.checkpoint_manifest import CheckpointManifest
from allennlp_kd.training.whole_checkpointer import NEW_BEST, WholeCheckpointer


class Trained:
    """As much of a trainer as a checkpointer uses."""

    def __init__(self, epochs, batches=0, best=False):
        self.model_state = {"weight": torch.full((3,), float(epochs * 100 + batches))}
        self.trainer_state = {
            "epochs_completed": epochs,
            "batches_in_epoch_completed": batches,
            NEW_BEST: self.model_state if best is True else best or None,
        }

    def get_checkpoint_state(self):
        return TrainerCheckpoint(self.model_state, self.trainer_state)


def saved(folder, *trained, **parameters):
    checkpointer = WholeCheckpointer(str(folder), **parameters)
    for each in trained:
        checkpointer.save_checkpoint(each)
    return checkpointer


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    os.unlink(path)  # another name of the file stays as it is
    path.write_bytes(content)


def test_what_is_saved_is_loaded(tmp_path):
    saved(tmp_path, Trained(1), Trained(1, 5))
    model, trainer = WholeCheckpointer(str(tmp_path)).load_checkpoint()
    assert torch.equal(model["weight"], torch.full((3,), 105.0))
    assert trainer == {"epochs_completed": 1, "batches_in_epoch_completed": 5}


def test_no_checkpoint(tmp_path):
    assert WholeCheckpointer(str(tmp_path)).load_checkpoint() is None


def test_keeps_the_most_recent(tmp_path):
    saved(tmp_path, *(Trained(epoch) for epoch in range(1, 5)), keep_most_recent_by_count=2)
    parts = ("checkpoint_e{}_b0.json", "model_state_e{}_b0.th", "training_state_e{}_b0.th")
    assert names(tmp_path) == sorted(part.format(epoch) for part in parts for epoch in (3, 4))


def test_keeps_all_where_no_number_is_given(tmp_path):
    saved(tmp_path, *(Trained(epoch) for epoch in range(1, 5)), keep_most_recent_by_count=None)
    assert len(names(tmp_path)) == 12


def test_keeps_those_of_an_age(tmp_path):
    kept = {"keep_most_recent_by_count": 1, "keep_most_recent_by_age": 60}
    checkpointer = saved(tmp_path, *map(Trained, range(1, 4)), **kept)
    os.utime(CheckpointManifest.path(tmp_path, (1, 0)), (0, 0))
    checkpointer.save_checkpoint(Trained(4))
    assert set(CheckpointManifest.points(tmp_path)) == {(2, 0), (3, 0), (4, 0)}


@pytest.mark.parametrize("count,age", [(0, None), (None, 0), (0, 0)])
def test_keeps_the_newest_in_any_case(tmp_path, count, age):
    kept = {"keep_most_recent_by_count": count, "keep_most_recent_by_age": age}
    checkpointer = saved(tmp_path, Trained(1, best=True), Trained(2), Trained(3), **kept)
    assert set(CheckpointManifest.points(tmp_path)) == {(3, 0)}
    assert checkpointer.restore_best() == str(tmp_path / "best.th")
    assert torch.equal(torch.load(tmp_path / "best.th")["weight"], torch.full((3,), 100.0))


class TestBest:
    def test_is_kept_as_long_as_a_checkpoint_names_it(self, tmp_path):
        checkpointer = saved(tmp_path, Trained(1, best=True), Trained(2), Trained(3))
        assert "best_e1_b0.th" in names(tmp_path) and "model_state_e1_b0.th" not in names(tmp_path)
        checkpointer.save_checkpoint(Trained(4, best=True))
        assert {"best_e1_b0.th", "best_e4_b0.th"} <= set(names(tmp_path))
        checkpointer.save_checkpoint(Trained(5))
        assert "best_e1_b0.th" not in names(tmp_path)

    @pytest.mark.parametrize("before", [None, b"of another checkpoint"])
    def test_is_made_again(self, tmp_path, before):
        saved(tmp_path, Trained(1, best=True), Trained(2))
        if before:
            (tmp_path / "best.th").write_bytes(before)
        checkpointer = WholeCheckpointer(str(tmp_path))
        checkpointer.load_checkpoint()
        assert checkpointer.restore_best() == str(tmp_path / "best.th")
        assert torch.equal(torch.load(tmp_path / "best.th")["weight"], torch.full((3,), 100.0))

    def test_is_a_copy(self, tmp_path):
        """AllenNLP writes the next best weights into the file in place."""
        checkpointer = saved(tmp_path, Trained(1, best=True), Trained(2))
        checkpointer.restore_best()
        (tmp_path / "best.th").write_bytes(b"other weights")
        for point in CheckpointManifest.points(tmp_path):
            CheckpointManifest.read(tmp_path, point).check(tmp_path)
        checkpointer.restore_best()
        assert torch.equal(torch.load(tmp_path / "best.th")["weight"], torch.full((3,), 100.0))

    def test_may_be_other_weights_than_the_model_s(self, tmp_path):
        checkpointer = saved(tmp_path, Trained(1, best={"weight": torch.ones(1)}))
        checkpointer.restore_best()
        assert torch.equal(torch.load(tmp_path / "best.th")["weight"], torch.ones(1))

    def test_there_is_none_before_the_first(self, tmp_path):
        (tmp_path / "best.th").write_bytes(b"of a later time")
        checkpointer = saved(tmp_path, Trained(1))
        assert checkpointer.restore_best() is None
        assert "best.th" not in names(tmp_path)


PARTS = [f"{part}_e2_b0.th" for part in ("model_state", "training_state", "best")]
PARTS.append("checkpoint_e2_b0.json")


class TestDamage:
    @pytest.mark.parametrize("part", PARTS)
    @pytest.mark.parametrize("harm", [flip, os.unlink, lambda path: os.truncate(path, 20)])
    def test_the_newest_whole_one_is_loaded(self, tmp_path, part, harm):
        saved(tmp_path, Trained(1), Trained(2, best={"weight": torch.ones(1)}))
        harm(tmp_path / part)
        checkpointer = WholeCheckpointer(str(tmp_path))
        model, trainer = checkpointer.load_checkpoint()
        assert trainer["epochs_completed"] == 1 and float(model["weight"][0]) == 100.0
        # What is damaged is not taken for the newest once there is more.
        checkpointer.save_checkpoint(Trained(1, 3))
        assert checkpointer.find_latest_checkpoint()[0].endswith("model_state_e1_b3.th")
        assert not (tmp_path / "checkpoint_e2_b0.json").exists()

    def test_says_so(self, tmp_path, caplog):
        saved(tmp_path, Trained(1), Trained(2))
        flip(tmp_path / "model_state_e2_b0.th")
        WholeCheckpointer(str(tmp_path)).load_checkpoint()
        assert (
            "model_state_e2_b0.th is damaged: its digest does not match the manifest" in caplog.text
        )
        assert "Continuing from (1, 0)" in caplog.text

    def test_refuses_where_none_is_whole(self, tmp_path):
        saved(tmp_path, Trained(1))
        flip(tmp_path / "training_state_e1_b0.th")
        expected = "no checkpoint .* is complete: .*training_state_e1_b0.th is damaged"
        with pytest.raises(ConfigurationError, match=expected):
            WholeCheckpointer(str(tmp_path)).load_checkpoint()
        assert (tmp_path / "training_state_e1_b0.th").exists()

    def test_an_older_one_does_not_hinder(self, tmp_path):
        checkpointer = saved(tmp_path, Trained(1), Trained(2), keep_most_recent_by_count=3)
        CheckpointManifest.path(tmp_path, (1, 0)).write_text("{")
        checkpointer.save_checkpoint(Trained(3))
        assert set(CheckpointManifest.points(tmp_path)) == {(2, 0), (3, 0)}


@pytest.mark.parametrize("error", [OSError(28, "No space left"), RuntimeError("write failed")])
def test_a_full_disk_leaves_the_one_before(tmp_path, monkeypatch, error):
    checkpointer = saved(tmp_path, Trained(1))
    before = names(tmp_path)

    def full(content, file):
        file.write(b"half")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("torch.save", full)
        with pytest.raises(OSError, match="e2_b0.th cannot be written: .*free some disk space"):
            checkpointer.save_checkpoint(Trained(2))
    assert names(tmp_path) == before
    assert WholeCheckpointer(str(tmp_path)).load_checkpoint() is not None


class TestKill:
    """Between two files; what a process has left is what another finds."""

    def killed(self, folder, monkeypatch, start):
        original = WholeCheckpointer._write

        def write(self, path, content):
            if path.name.startswith(start):
                (folder / ".left.unfinished").write_bytes(b"half")
                raise KeyboardInterrupt
            return original(self, path, content)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(WholeCheckpointer, "_write", write)
            WholeCheckpointer(str(folder)).save_checkpoint(Trained(2))

    @pytest.mark.parametrize("start", ["model_state", "training_state"])
    def test_the_one_before_is_loaded(self, tmp_path, monkeypatch, start):
        saved(tmp_path, Trained(1))
        self.killed(tmp_path, monkeypatch, start)
        _, trainer = WholeCheckpointer(str(tmp_path)).load_checkpoint()
        assert trainer["epochs_completed"] == 1
        assert ".left.unfinished" not in names(tmp_path)

    def test_the_first_one(self, tmp_path, monkeypatch, caplog):
        self.killed(tmp_path, monkeypatch, "training_state")
        assert "model_state_e2_b0.th" in names(tmp_path)
        checkpointer = WholeCheckpointer(str(tmp_path))
        assert checkpointer.load_checkpoint() is None
        assert "is incomplete; training starts from the beginning" in caplog.text
        checkpointer.save_checkpoint(Trained(1))
        assert "model_state_e2_b0.th" not in names(tmp_path)
