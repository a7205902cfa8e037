"""Within one process; `tests/benchmarks/test_kills.py` kills others."""

import json
import random
import shutil
import warnings

import numpy
import pytest
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.models import load_archive
from allennlp.training import TrainerCallback
from allennlp.training.callbacks.confidence_checks import ConfidenceChecksCallback

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.random_states import random_states, seed_generators, set_random_states
from allennlp_kd.training.callback_states import callback_names
from allennlp_kd.training.checkpoint_manifest import CheckpointManifest
from allennlp_kd.training.interruption import interruption
from allennlp_kd.training.resumable_trainer import ResumableTrainer
from spacy_bridge.packaging.archive.student_archive import StudentArchive
from tests.models.experiments import READER, distillation_config, experiment, write_data
from tests.models.tagging import tagger_config

RESUMABLE = {"type": "resumable", "checkpointer": {"type": "whole"}}


@TrainerCallback.register("remembers")
class Remembers(TrainerCallback):
    """Has a state, says which batches it saw, and may interrupt."""

    seen = []
    stop_at = None  # epoch, batch
    hooks = []

    def __init__(self, serialization_dir, start=0):
        super().__init__(serialization_dir)
        self.count = start

    def on_batch(self, trainer, batch_inputs, *args, epoch=None, is_training=None, **kwargs):
        epoch, number, is_training = args[2], args[3], kwargs.get("is_training", is_training)
        if not is_training:
            return
        self.count += 1
        words = [sentence["words"] for sentence in batch_inputs[0]["metadata"]]
        self.seen.append((epoch, [" ".join(each) for each in words]))
        self.hooks.append(sum(len(each._forward_hooks) for each in trainer.model.modules()))
        if self.stop_at == (epoch, number):
            raise KeyboardInterrupt

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


TrainerCallback.register("remembers too")(type("Other", (Remembers,), {}))


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    write_data(tmp_path / "data")
    Remembers.seen, Remembers.stop_at, Remembers.hooks = [], None, []
    return tmp_path / "data"


def config(data, **trainer):
    model = tagger_config("crf_tagger_student", label_encoding="BIO", dropout=0.3)
    trainer = {**RESUMABLE, "num_epochs": 4, "callbacks": [{"type": "remembers"}], **trainer}
    return experiment(data, READER, model, **trainer)


def train(config, run, recover=False, stop_at=None):
    Remembers.seen, Remembers.stop_at = [], stop_at
    if stop_at is None:
        train_model(Params(config), str(run), recover=recover)
        return Remembers.seen
    with pytest.raises(KeyboardInterrupt):
        train_model(Params(config), str(run), recover=recover)


def weights(run):
    return load_archive(run / "model.tar.gz").model.state_dict()


def log(run):
    return (run / "out.log").read_text()


def assert_same(first, second):
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("stop_at", [(0, 1), (2, 1), (2, 2)])
@pytest.mark.parametrize("checkpointer", [{}, {"save_every_num_batches": 1}])
def test_goes_on_where_it_was(data, tmp_path, stop_at, checkpointer):
    changes = {"checkpointer": {"type": "whole", **checkpointer}}
    expected = train(config(data, **changes), tmp_path / "whole")
    train(config(data, **changes), tmp_path / "run", stop_at=stop_at)
    again = train(config(data, **changes), tmp_path / "run", recover=True)
    assert_same(weights(tmp_path / "run"), weights(tmp_path / "whole"))
    assert again == expected[-len(again) :]
    # Checkpoints within an epoch save the batches that the epoch had done but the last.
    batch = stop_at[1] - 1 if checkpointer else 0
    assert len(again) == len(expected) - 2 * stop_at[0] - batch
    kept = [json.loads((tmp_path / run / "metrics.json").read_text()) for run in ("whole", "run")]
    assert kept[0]["best_epoch"] == kept[1]["best_epoch"]
    assert kept[0]["validation_loss"] == kept[1]["validation_loss"]


@pytest.mark.parametrize(
    "loader",
    [
        {"batches_per_epoch": 3},  # goes on in the next epoch where it was
        {"type": "simple"},  # shuffles what it has shuffled
        {"max_instances_in_memory": 3},  # draws while it is read
        {"batches_per_epoch": 3, "max_instances_in_memory": 3},
    ],
)
@pytest.mark.parametrize("every", [None, 1])
def test_goes_on_with_other_loaders(data, tmp_path, loader, every):
    checkpointer = {"type": "whole", "save_every_num_batches": every}

    def changed():
        found = config(data, checkpointer=checkpointer)
        found["data_loader"] = {"batch_size": 2, "shuffle": True, **loader}
        found["validation_data_loader"] = {"batch_size": 2, "shuffle": True}
        return found

    expected = train(changed(), tmp_path / "whole")
    train(changed(), tmp_path / "run", stop_at=(2, 2))
    again = train(changed(), tmp_path / "run", recover=True)
    assert again == expected[-len(again) :]
    assert_same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


def test_goes_on_whether_or_not_the_teacher_had_scored(data, tmp_path):
    """The teacher draws random numbers when it scores; after a kill its store is full."""
    encoder = {
        "type": "stacked_bidirectional_lstm",
        "input_size": 5,
        "hidden_size": 4,
        "num_layers": 1,
        "recurrent_dropout_probability": 0.3,
    }
    teacher = tagger_config("crf_tagger", label_encoding="BIO", encoder=encoder)
    train_model(Params(experiment(data, READER, teacher, num_epochs=1)), str(data / "run"))

    def changed(name):
        found = distillation_config(data, "store")
        trainer = {**RESUMABLE, "num_epochs": 2, "callbacks": [{"type": "remembers"}]}
        found["trainer"] = {**found["trainer"], **json.loads(json.dumps(trainer))}
        found["model"]["student"]["dropout"] = 0.3
        for side in (found["dataset_reader"], found["model"]):
            side["teacher"] = {**side["teacher"], "directory": str(tmp_path / f"store of {name}")}
        return found

    train(changed("whole"), tmp_path / "whole")
    train(changed("run"), tmp_path / "run", stop_at=(0, 1))
    assert list((tmp_path / "store of run").glob("*.shard"))
    train(changed("run"), tmp_path / "run", recover=True)
    assert_same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


def test_the_order_of_an_epoch_depends_on_the_seeds_and_its_number_alone(data, tmp_path):
    first = train(config(data), tmp_path / "first")
    other = config(data, num_epochs=2, optimizer={"type": "sgd", "lr": 0.1})
    other["validation_data_loader"] = {"batch_size": 1}  # draws no numbers
    assert train(other, tmp_path / "second") == first[:4]
    assert len({str([words for at, words in first if at == epoch]) for epoch in range(4)}) > 1
    seeded = {**config(data), "random_seed": 7}
    assert train(seeded, tmp_path / "third") != first


def test_what_had_stopped_early_stays_stopped(data, tmp_path, monkeypatch):
    changes = {"patience": 1, "num_epochs": 30, "optimizer": {"type": "sgd", "lr": 30.0}}

    def fail(*args, **kwargs):
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr("allennlp.commands.train.archive_model", fail)
        train(config(data, **changes), tmp_path / "run")
    epochs = len(Remembers.seen) // 2
    assert 1 < epochs < 30
    for each in ("best.th", "metrics.json"):
        (tmp_path / "run" / each).unlink()
    assert train(config(data, **changes), tmp_path / "run", recover=True) == []
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["epoch"] == epochs - 1 and metrics["training_loss"] > 0
    train(config(data, **changes), tmp_path / "whole")
    assert_same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


class TestCallbacks:
    def test_get_their_states_by_name(self, data, tmp_path):
        given = {
            "callbacks": [{"type": "remembers", "start": 100}, {"type": "remembers too"}],
            "num_epochs": 2,
        }
        train(config(data, **given), tmp_path / "run", stop_at=(1, 1))
        changed = config(data, **given)
        kinds = ("track_epoch_callback", "remembers too")
        changed["trainer"]["callbacks"] = [{"type": kind} for kind in kinds]
        # AllenNLP refuses another configuration; it is what a newer version may come to.
        (tmp_path / "run" / "config.json").write_text(json.dumps(changed))
        found = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                Remembers, "on_start", lambda self, *args, **kwargs: found.append(self.count)
            )
            train(changed, tmp_path / "run", recover=True)
        assert found == [2]
        assert "the callback remembers no longer exists" in log(tmp_path / "run")
        assert "the callback track_epoch_callback is new" in log(tmp_path / "run")

    def test_of_one_name_are_numbered(self):
        callbacks = [Remembers("a"), ConfidenceChecksCallback("a"), Remembers("b")]
        assert callback_names(callbacks) == ["remembers", "confidence_checks", "remembers 2"]

    def test_that_are_not_registered_go_by_their_class(self):
        class Unnamed(TrainerCallback):
            pass

        (found,) = callback_names([Unnamed("a")])
        assert found.startswith(f"{__name__}.") and found.endswith(".Unnamed")


def test_checks_of_the_first_epoch_leave_no_hooks(data, tmp_path):
    train(config(data), tmp_path / "run", stop_at=(1, 1))
    train(config(data), tmp_path / "run", recover=True)
    assert Remembers.hooks[0] > 0 and set(Remembers.hooks[-4:]) == {0}


def check_all_checkpoints(run):
    points = sorted(CheckpointManifest.points(run))
    for point in points:
        CheckpointManifest.read(run, point).check(run)
    return points


def test_the_best_weights_are_not_written_into_an_older_checkpoint(data, tmp_path):
    """Which a recovered run has restored them from; its average is written in place."""
    average = {"moving_average": {"decay": 0.5}}
    train(config(data, **average), tmp_path / "run", stop_at=(2, 1))
    train(config(data, **average), tmp_path / "run", recover=True, stop_at=(3, 1))
    assert check_all_checkpoints(tmp_path / "run") == [(2, 0), (3, 0)]


def test_the_best_weights_of_an_epoch_without_a_checkpoint(data, tmp_path):
    """AllenNLP links `best.th` to a checkpoint, and writes it in place where there is none."""

    class SavesTheFirst(TrainerCallback):
        def on_epoch(self, trainer, *args, epoch=0, **kwargs):
            trainer._checkpointer._last_save_time = 0 if epoch == 0 else float("inf")

    TrainerCallback.register("saves the first", exist_ok=True)(SavesTheFirst)
    given = {"callbacks": [{"type": "remembers"}, {"type": "saves the first"}]}
    given["checkpointer"] = {"type": "whole", "save_completed_epochs": False}
    given["checkpointer"]["save_every_num_seconds"] = 1e6
    train(config(data, **given), tmp_path / "run")
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["best_epoch"] > 0
    assert check_all_checkpoints(tmp_path / "run") == [(1, 0)]


def test_an_average_stays_tied_to_the_model(data, tmp_path):
    average = {"moving_average": {"decay": 0.5}}
    train(config(data, **average), tmp_path / "whole")
    train(config(data, **average), tmp_path / "run", stop_at=(2, 1))
    train(config(data, **average), tmp_path / "run", recover=True)
    assert_same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


def test_frozen_parameters_stay_so(data, tmp_path):
    """What a schedule has frozen, it does not freeze again when it is recovered."""

    class Freezes(TrainerCallback):
        def on_epoch(self, trainer, *args, epoch=0, **kwargs):
            trainer.model.text_field_embedder.requires_grad_(epoch % 2 == 1)

    TrainerCallback.register("freezes", exist_ok=True)(Freezes)
    given = {"callbacks": [{"type": "remembers"}, {"type": "freezes"}]}
    train(config(data, **given), tmp_path / "whole")
    train(config(data, **given), tmp_path / "run", stop_at=(1, 1))
    train(config(data, **given), tmp_path / "run", recover=True)
    assert_same(weights(tmp_path / "run"), weights(tmp_path / "whole"))


class TestInterruption:
    def test_says_how_to_go_on_and_marks_the_archive(self, data, tmp_path):
        train(config(data), tmp_path / "run", stop_at=(2, 1))
        assert "2 of 4 epochs (and 0 batches) are saved in" in log(tmp_path / "run")
        assert "--recover continues from there" in log(tmp_path / "run")
        shutil.unpack_archive(tmp_path / "run" / "model.tar.gz", tmp_path / "unpacked")
        assert interruption(tmp_path / "unpacked") == {
            "epochs_completed": 2,
            "batches_completed": 0,
            "num_epochs": 4,
        }
        # It loads all the same, with the labels that it had.
        assert len(load_archive(tmp_path / "run" / "model.tar.gz").model.labels) > 1

    def test_the_packager_warns(self, data, tmp_path):
        train(config(data), tmp_path / "run", stop_at=(2, 1))
        for path in (tmp_path / "run", tmp_path / "run" / "model.tar.gz"):
            with pytest.warns(UserWarning, match='training was interrupted .*"num_epochs": 4'):
                StudentArchive(path)

    def test_the_mark_goes_with_the_end(self, data, tmp_path):
        train(config(data), tmp_path / "run", stop_at=(2, 1))
        train(config(data), tmp_path / "run", recover=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            StudentArchive(tmp_path / "run" / "model.tar.gz")
        shutil.unpack_archive(tmp_path / "run" / "model.tar.gz", tmp_path / "unpacked")
        assert interruption(tmp_path / "unpacked") is None

    def test_in_the_first_epoch(self, data, tmp_path):
        train(config(data), tmp_path / "run", stop_at=(0, 1))
        assert "0 of 4 epochs (and 0 batches) are saved" in log(tmp_path / "run")
        assert not (tmp_path / "run" / "model.tar.gz").exists()

    def test_between_the_checkpoint_and_best(self, data, tmp_path, monkeypatch):
        """AllenNLP archives `best.th`, which is not there at this moment."""

        def stop(*args):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("allennlp.training.gradient_descent_trainer.hardlink_or_copy", stop)
            train_model(Params(config(data)), str(tmp_path / "run"))
        state = torch.load(tmp_path / "run" / "model_state_e1_b0.th")
        assert_same(weights(tmp_path / "run"), state)


def test_needs_whole_checkpoints(data, tmp_path):
    with pytest.raises(ConfigurationError, match="of type 'whole', found Checkpointer"):
        train(config(data, checkpointer={}), tmp_path / "run")


def test_other_states_are_the_trainer_s_own(data, tmp_path):
    """A checkpoint of the same files with none of what this trainer adds starts as stock's do."""
    train(config(data, type="gradient_descent"), tmp_path / "run", stop_at=(1, 1))
    changed = config(data)
    (tmp_path / "run" / "config.json").write_text(json.dumps(changed))
    with pytest.raises(ConfigurationError, match="was not written by a resumable trainer"):
        train(changed, tmp_path / "run", recover=True)


class TestGenerators:
    def test_a_key_seeds_all(self):
        drawn = []
        for key in (("a", 1), ("a", 1), ("a", 2)):
            seed_generators(*key)
            drawn.append((random.random(), numpy.random.rand(), float(torch.rand(1))))
        assert drawn[0] == drawn[1]
        assert all(one != other for one, other in zip(drawn[0], drawn[2]))

    def test_states_are_set_back(self):
        states = random_states()
        drawn = random.random(), numpy.random.rand(), float(torch.rand(1))
        set_random_states(states)
        assert (random.random(), numpy.random.rand(), float(torch.rand(1))) == drawn


def test_is_a_trainer_of_the_framework():
    from allennlp.training import Trainer

    assert Trainer.by_name("resumable").__self__ is ResumableTrainer
