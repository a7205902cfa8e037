"""The callback `distillation_schedule`: changes alpha and temperature during training."""

from typing import TYPE_CHECKING, Any, Dict, Optional

from allennlp.common.checks import ConfigurationError
from allennlp.training.callbacks import TrainerCallback
from overrides import overrides

from allennlp_kd.training.distillation_callback import DistillationCallback
from allennlp_kd.training.schedule import Schedule

if TYPE_CHECKING:
    from allennlp.training.gradient_descent_trainer import GradientDescentTrainer


@TrainerCallback.register("distillation_schedule")
class DistillationSchedule(DistillationCallback):
    """Sets the alpha and the temperature of a `distillation` model before each batch.

    The values depend on the trainer's counts of epochs and steps, which it restores. So they are
    correct after `--recover`, even if the callbacks have changed. They are logged with the training
    metrics as `alpha` and `temperature`.

    # Parameters

    alpha : `Schedule`, optional
        The schedule of alpha; by default alpha does not change.
    temperature : `Schedule`, optional
        The schedule of the temperature; by default it does not change.

    # Raises

    ConfigurationError
        If a value is out of range, or the model is none of type `distillation`.
    """

    registered_as = "distillation_schedule"

    def __init__(
        self,
        serialization_dir: str,
        alpha: Optional[Schedule] = None,
        temperature: Optional[Schedule] = None,
    ) -> None:
        super().__init__(serialization_dir)
        if alpha is None and temperature is None:
            raise ConfigurationError(
                "distillation_schedule needs an alpha or a temperature, found neither"
            )
        # Each shape stays between its start and its end.
        for value in () if alpha is None else (alpha.start, alpha.end):
            if not 0 <= value <= 1:
                raise ConfigurationError(f"alpha must lie in [0, 1], its schedule has {value}")
        for value in () if temperature is None else (temperature.start, temperature.end):
            if not value > 0:
                raise ConfigurationError(
                    f"temperature must be greater than 0, its schedule has {value}"
                )
        self._alpha = alpha
        self._temperature = temperature
        self._hook = None

    @overrides
    def on_start(
        self, trainer: "GradientDescentTrainer", is_primary: bool = True, **kwargs: Any
    ) -> None:
        super().on_start(trainer, is_primary=is_primary, **kwargs)
        scheduled = {"alpha": self._alpha, "temperature": self._temperature}
        trainer.model.scheduled = tuple(name for name, value in scheduled.items() if value)
        # A recovered trainer skips batches without telling its callbacks, so the counts are read
        # when a batch is about to be computed.
        self._hook = trainer.model.register_forward_pre_hook(lambda *_: self._apply())
        self._apply()

    def _apply(self) -> None:
        assert self.trainer is not None
        epochs = self.trainer._epochs_completed
        steps = self.trainer._total_batches_completed
        if self._alpha is not None:
            self.trainer.model.alpha = self._alpha.value(epochs, steps)
        if self._temperature is not None:
            self.trainer.model.objective.temperature = self._temperature.value(epochs, steps)

    @overrides
    def on_end(
        self,
        trainer: "GradientDescentTrainer",
        metrics: Optional[Dict[str, Any]] = None,
        epoch: Optional[int] = None,
        is_primary: bool = True,
        **kwargs: Any,
    ) -> None:
        if self._hook is not None:
            self._hook.remove()
            self._hook = None
