"""The objective that gives the package its name."""
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
        `predictions`: KL divergence of the local distributions over edges. `scores`: squared differences.
    form : `str`, optional (default = `"centred"`)
        Of `scores`: `emissions`, `raw` or `centred`.
    scale : `float`, optional (default = `1.0`)
        Multiplies the loss.
    temperature : `float`, optional (default = `1.0`)
    """

    def __init__(
        self, match: str = "predictions", form: str = "centred", scale: float = 1.0, temperature: float = 1.0
    ) -> None:
        super().__init__(temperature)
        if match not in ("predictions", "scores"):
            raise ConfigurationError(f"match must be 'predictions' or 'scores', found '{match}'")
        if form not in FORMS:
            raise ConfigurationError(f"form must be one of {', '.join(FORMS)}, found '{form}'")
        self._match, self._form, self._scale = match, form, scale

    def __call__(self, student: ChainPotentials, teacher: ChainPotentials) -> Tensor:
        student, teacher = student.tempered(self.temperature), teacher.tempered(self.temperature)
        if self._match == "predictions":
            return self._scale * self.temperature**2 * edge_predictions(student, teacher)
        return self._scale * FORMS[self._form](student, teacher)
