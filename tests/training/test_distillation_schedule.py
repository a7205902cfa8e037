import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.training import TrainerCallback

from allennlp_kd.training.distillation_schedule import DistillationSchedule
from allennlp_kd.training.schedule import Schedule
from tests.models.tagging import tagger, vocabulary
from tests.training.loop import distillation, train

BATCHES = [[0, 1], [2], [3]]


class Killed(Exception):
    pass


class Kill(TrainerCallback):
    """Ends a training after so many steps, before the checkpoint of the last of them."""

    def __init__(self, steps):
        super().__init__("")
        self._steps = steps

    def on_batch(self, trainer, *args, is_training=True, **kwargs):
        if is_training and trainer._total_batches_completed == self._steps:
            raise Killed


def schedule(directory):
    return TrainerCallback.from_params(
        Params(
            {
                "type": "distillation_schedule",
                "alpha": {"start": 1.0, "end": 0.0, "length": 12, "by": "step"},
                "temperature": {"start": 4.0, "end": 1.0, "length": 2, "shape": "cosine"},
            }
        ),
        serialization_dir=directory,
    )


def expected():
    temperatures = [4.0, 2.5, 1.0, 1.0]
    return [(round(1 - step / 12, 6), temperatures[step // 3]) for step in range(12)]


def run(directory, epochs, others=(), **changes):
    """The values that each training forward has run with, the metrics, and the model."""
    model, values = distillation(), []

    class Watch(TrainerCallback):
        def on_start(self, trainer, **kwargs):
            trainer.model.register_forward_pre_hook(self.watch)

        def watch(self, module, inputs):
            if module.training:
                values.append((round(module.alpha, 6), module.objective.temperature))

    # Watch comes after the schedule, so its hook runs after the schedule's.
    callbacks = [schedule(directory), Watch(directory), *others]
    try:
        metrics = train(model, directory, BATCHES, callbacks, epochs, **changes)
    except Killed:
        metrics = {}
    return values, metrics, model


def test_each_step_has_its_value(tmp_path):
    values, metrics, _ = run(str(tmp_path), epochs=4)
    assert values == expected()
    assert metrics["training_alpha"] == pytest.approx(1 / 12)
    assert metrics["training_temperature"] == 1.0


def test_accumulated_batches_are_one_step(tmp_path):
    values, _, _ = run(str(tmp_path), epochs=2, accumulate=2)
    alphas = [alpha for alpha, _ in values]
    assert alphas == [round(1 - step / 12, 6) for step in (0, 0, 1, 2, 2, 3)]


@pytest.mark.parametrize("steps", [5, 6, 7])
def test_a_recovered_training_goes_on_where_it_was(tmp_path, steps):
    before, _, _ = run(str(tmp_path), epochs=4, others=[Kill(steps)], save_every=1)
    assert before == expected()[:steps]
    # The callbacks are not those of the checkpoint, so no state is theirs.
    after, metrics, model = run(str(tmp_path), epochs=4, save_every=1)
    redone = steps - 1
    assert after == expected()[redone:]
    assert metrics["training_alpha"] == pytest.approx(1 / 12)
    assert len(model._forward_pre_hooks) == 1  # the watch's; the schedule's is gone


def test_what_is_not_scheduled_stays(tmp_path):
    model = distillation(alpha=0.25)
    callback = DistillationSchedule("", temperature=Schedule(start=3.0))
    metrics = train(model, str(tmp_path), BATCHES, [callback])
    assert model.alpha == 0.25 and model.objective.temperature == 3.0
    assert metrics["training_temperature"] == 3.0 and "training_alpha" not in metrics


@pytest.mark.parametrize(
    "changes, message",
    [
        ({}, "needs an alpha or a temperature, found neither"),
        ({"alpha": Schedule(1.0, -0.5, 3)}, "alpha must lie in .0, 1., its schedule has -0.5"),
        ({"alpha": Schedule(1.5)}, "its schedule has 1.5"),
        ({"temperature": Schedule(2.0, 0.0, 3)}, "greater than 0, its schedule has 0.0"),
    ],
)
def test_values_out_of_range_are_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        DistillationSchedule("", **changes)


def test_another_model_has_nothing_to_schedule():
    class Trainer:
        model = tagger("crf_tagger_student", vocabulary())

    with pytest.raises(ConfigurationError, match="type distillation, found CrfTaggerStudent"):
        DistillationSchedule("", alpha=Schedule(0.5)).on_start(Trainer())
