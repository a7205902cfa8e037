"""The objective that gives the package its name."""
from typing import Optional

from allennlp.common.checks import ConfigurationError
from torch import Tensor

from allennlp_kd.objectives.chain_predictions import edge_predictions
from allennlp_kd.objectives.chain_scores import centred_scores, emission_scores, raw_scores
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.chain import ChainPotentials

FORMS = {"emissions": emission_scores, "raw": raw_scores, "centred": centred_scores}


@Objective.register("substructured")
class Substructured(Objective):
    """Matches teacher and student on every sub-structure, with no dynamic programme (Lin et al. 2022).

    # Parameters

    match : `str`, optional (default = `"predictions"`)
        `predictions`: KL divergence between the local distributions over each edge's cells, see
        `edge_predictions`. `scores`: squared differences of scores, see `form`.
    form : `str`, optional
        Of `scores`: `emissions`, `raw`, or `centred` (the default, which alone is zero exactly when both
        sides define the same distribution).
    scale : `float`, optional (default = `1.0`)
        Multiplies the loss. Squared differences of scores are not on the scale of a likelihood.
    temperature : `float`, optional (default = `1.0`)
        Divides the scores of both sides.
    scale_by_temperature_squared : `bool`, optional (default = `True`)
        Whether `predictions` are multiplied by the temperature's square, which keeps the size of their
        gradient (Hinton et al. 2015).

    # Raises

    ConfigurationError
        If an option has none of its values, or `form` is given for `predictions`.
    """

    structures = frozenset({"chain"})

    def __init__(
        self,
        match: str = "predictions",
        form: Optional[str] = None,
        scale: float = 1.0,
        temperature: float = 1.0,
        scale_by_temperature_squared: bool = True,
    ) -> None:
        super().__init__(temperature)
        if match not in ("predictions", "scores"):
            raise ConfigurationError(f"match must be 'predictions' or 'scores', found '{match}'")
        if form is not None and form not in FORMS:
            raise ConfigurationError(f"form must be one of {', '.join(FORMS)}, found '{form}'")
        if form is not None and match == "predictions":
            raise ConfigurationError(f"form '{form}' is of scores, but match is 'predictions'")
        if not scale > 0:
            raise ConfigurationError(f"scale must be greater than 0, found {scale}")
        self._match = match
        self._form = form or "centred"
        self._scale = scale
        self._squared = scale_by_temperature_squared

    def __call__(self, student: ChainPotentials, teacher: ChainPotentials) -> Tensor:
        student, teacher = student.tempered(self.temperature), teacher.tempered(self.temperature)
        if self._match == "scores":
            return self._scale * FORMS[self._form](student, teacher)
        factor = self.temperature**2 if self._squared else 1.0
        return self._scale * factor * edge_predictions(student, teacher)
