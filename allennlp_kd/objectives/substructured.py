"""The objective that gives the package its name."""
from typing import Optional

from allennlp.common.checks import ConfigurationError
from torch import Tensor

from allennlp_kd.objectives.chain_predictions import edge_predictions
from allennlp_kd.objectives.chain_scores import centred_scores, emission_scores, raw_scores
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.tree_matching import TreeMatching
from allennlp_kd.structs.tree import TreePotentials

FORMS = {"emissions": emission_scores, "raw": raw_scores, "centred": centred_scores}


@Objective.register("substructured")
class Substructured(Objective):
    """Matches both sides on every sub-structure, with no dynamic programme (Lin et al. 2022).

    # Parameters

    match : `str`, optional (default = `"predictions"`)
        `predictions`: KL divergence between the local distributions: over each edge's cells of a
        chain, see `edge_predictions`; over the heads of each word and the labels of each arc of a
        tree, see `arc_predictions` and `label_predictions`. `scores`: squared differences of
        scores, see `form`.
    form : `str`, optional
        Of `scores`: `raw`, `centred` (the default, which alone is zero exactly when both sides
        define the same distribution) or, for chains, `emissions`.
    scale : `float`, optional (default = `1.0`)
        Multiplies the loss. Squared differences of scores are not on the scale of a likelihood.
    temperature : `float`, optional (default = `1.0`)
        Divides the scores of both sides.
    scale_by_temperature_squared : `bool`, optional (default = `True`)
        Whether `predictions` are multiplied by the temperature's square, which keeps the size of
        their gradient (Hinton et al. 2015).
    parts : `str`, optional (default = both; the arcs where labels are not compared)
        Of trees: `arcs`, `labels` or `both`.
    heads : `str`, optional (default = `"all"`)
        Of trees, which arcs the `scores` of labels are matched on, a mean over heads for each word:
        `all`, the teacher's `best` few, all the same; or `probable`, each weighted by the teacher's
        probability of the head. (`predictions` of labels are always weighted so.)
    best : `int`, optional
        How many heads `"best"` are.

    # Raises

    ConfigurationError
        If an option has none of its values, or is given where it has no meaning.
    """

    def __init__(
        self,
        match: str = "predictions",
        form: Optional[str] = None,
        scale: float = 1.0,
        temperature: float = 1.0,
        scale_by_temperature_squared: bool = True,
        parts: Optional[str] = None,
        heads: Optional[str] = None,
        best: Optional[int] = None,
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
        self._trees = TreeMatching(match, self._form, parts, heads, best)
        of_trees = any(option is not None for option in (parts, heads, best))
        if of_trees and form == "emissions":
            raise ConfigurationError(
                "form 'emissions' is of chains, but parts, heads or best of trees"
            )
        # What the options have a meaning for.
        if of_trees:
            self.structures = frozenset({"tree"})
        elif form == "emissions":
            self.structures = frozenset({"chain"})

    def __call__(self, student, teacher) -> Tensor:
        factor = self._scale
        if self._squared and self._match == "predictions":
            factor *= self.temperature**2
        if isinstance(student, TreePotentials):
            return factor * self._trees(student, teacher, self.temperature)
        student, teacher = student.tempered(self.temperature), teacher.tempered(self.temperature)
        if self._match == "scores":
            return factor * FORMS[self._form](student, teacher)
        return factor * edge_predictions(student, teacher)
