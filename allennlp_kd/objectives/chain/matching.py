"""The options of `substructured` for chains."""

from typing import Optional

from allennlp.common.checks import ConfigurationError
from torch import Tensor

from allennlp_kd.objectives.chain.scores import centred_scores, emission_scores, raw_scores
from allennlp_kd.objectives.chain.weighted_scores import product_weights, weighted_scores
from allennlp_kd.objectives.chain.window_predictions import window_predictions
from allennlp_kd.structs.chain import ChainPotentials


class ChainMatching:
    """The options of `Substructured` for chains and the loss that they select; see there.

    # Parameters

    match : `str`
        `predictions` or `scores`.
    form : `str`
    window : `int`, optional
    mix : `float`
    mix_with : `str`
    huber : `float`, optional

    # Raises

    ConfigurationError
        If window is less than 1.
    """

    def __init__(
        self,
        match: str,
        form: str,
        window: Optional[int],
        mix: float,
        mix_with: str,
        huber: Optional[float],
    ) -> None:
        if window is not None and window < 1:
            raise ConfigurationError(f"window must be at least 1, found {window}")
        self._match, self._form = match, form
        self._window = 2 if window is None else window
        self._mix, self._mix_with = mix, mix_with
        self._huber = huber

    def __call__(
        self, student: ChainPotentials, teacher: ChainPotentials, temperature: float
    ) -> Tensor:
        """
        # Returns

        `Tensor`
            Shape `(batch,)`.
        """
        tempered = student.tempered(temperature), teacher.tempered(temperature)
        if self._match == "predictions":
            return window_predictions(*tempered, self._window)
        if self._form == "weighted":
            weights = product_weights(student, teacher, self._mix, self._mix_with)
            return weighted_scores(*tempered, weights)
        if self._form == "raw":
            return raw_scores(*tempered)
        of_form = emission_scores if self._form == "emissions" else centred_scores
        return of_form(*tempered, huber=self._huber)
