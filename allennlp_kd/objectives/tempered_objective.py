"""The base class of objectives with a temperature."""

from typing import Any

from overrides import overrides
from torch import Tensor

from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.numerics.execution import exact


class TemperedObjective(Objective):
    """A loss of tempered potentials, multiplied by the squared temperature.

    Dividing all scores by T divides the gradient of such a loss by about T^2; the factor keeps its
    size (Hinton et al., "Distilling the knowledge in a neural network", 2015).

    # Parameters

    temperature : `float`, optional (default = `1.0`)
        Divides the scores of both sides, before anything is summed over structures.
    scale_by_temperature_squared : `bool`, optional (default = `True`)
        Whether the loss is multiplied by the temperature's square.

    # Raises

    ConfigurationError
        If the temperature is not greater than 0.
    """

    def __init__(self, temperature: float = 1.0, scale_by_temperature_squared: bool = True) -> None:
        super().__init__(temperature)
        self._squared = scale_by_temperature_squared

    @exact
    @overrides(check_signature=False)
    def __call__(self, student: Any, teacher: Any) -> Tensor:
        loss = self._loss(student.tempered(self.temperature), teacher.tempered(self.temperature))
        return loss * self.temperature**2 if self._squared else loss

    def _loss(self, student: Any, teacher: Any) -> Tensor:
        """Computes the loss of tempered potentials, shape `(batch,)`."""
        raise NotImplementedError
