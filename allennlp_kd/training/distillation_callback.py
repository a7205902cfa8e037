"""Base class of trainer callbacks that need a `distillation` model."""

from typing import TYPE_CHECKING, Any, ClassVar

from allennlp.common.checks import ConfigurationError
from allennlp.training.callbacks import TrainerCallback
from overrides import overrides

from allennlp_kd.models.distillation import Distillation

if TYPE_CHECKING:
    from allennlp.training.gradient_descent_trainer import GradientDescentTrainer


class DistillationCallback(TrainerCallback):
    """
    # Raises

    ConfigurationError
        When training starts, if the model is not of type `distillation`.
    """

    registered_as: ClassVar[str]
    """The registered name, for errors."""

    @overrides
    def on_start(
        self, trainer: "GradientDescentTrainer", is_primary: bool = True, **kwargs: Any
    ) -> None:
        super().on_start(trainer, is_primary=is_primary, **kwargs)
        if not isinstance(trainer.model, Distillation):
            raise ConfigurationError(
                f"{self.registered_as} needs a model of type distillation, "
                f"found {type(trainer.model).__name__}"
            )
