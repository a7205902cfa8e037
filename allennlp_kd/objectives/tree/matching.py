"""The options of `substructured` for trees."""

from typing import Optional

from allennlp.common.checks import ConfigurationError
from torch import Tensor

from allennlp_kd.objectives.tree.predictions import arc_predictions, label_predictions
from allennlp_kd.objectives.tree.scores import (
    all_heads,
    best_heads,
    centred_arc_scores,
    centred_label_scores,
    centred_labelled_scores,
    mixed_heads,
    probable_heads,
    raw_arc_scores,
    raw_label_scores,
    weighted_label_scores,
    weighted_labelled_scores,
)
from allennlp_kd.structs.tree import TreePotentials

PARTS = ("arcs", "labels", "both")
HEADS = ("all", "best", "probable")


class TreeMatching:
    """The options of `Substructured` for trees and the loss that they select; see there.

    # Parameters

    match : `str`
    form : `str`
    parts : `str`, optional
    heads : `str`, optional
    best : `int`, optional
    mix : `float`, optional (default = `0.0`)
    mix_with : `str`, optional (default = `"uniform"`)
    huber : `float`, optional

    # Raises

    ConfigurationError
        If an option has none of its values, or is given where it has no meaning.
    """

    def __init__(
        self,
        match: str,
        form: str,
        parts: Optional[str] = None,
        heads: Optional[str] = None,
        best: Optional[int] = None,
        mix: float = 0.0,
        mix_with: str = "uniform",
        huber: Optional[float] = None,
    ) -> None:
        if parts is not None and parts not in PARTS:
            raise ConfigurationError(f"parts must be one of {', '.join(PARTS)}, found '{parts}'")
        if heads is not None and heads not in HEADS:
            raise ConfigurationError(f"heads must be one of {', '.join(HEADS)}, found '{heads}'")
        if heads is not None and (match == "predictions" or parts == "arcs"):
            raise ConfigurationError(
                f"heads '{heads}' is for label scores, found match '{match}', parts '{parts}'"
            )
        if heads is not None and form == "weighted":
            raise ConfigurationError(
                f"heads '{heads}' is for the forms raw and centered; 'weighted' has its own weights"
            )
        if (best is not None) != (heads == "best"):
            raise ConfigurationError(
                f"best needs heads 'best', and heads 'best' needs best: found {best} and '{heads}'"
            )
        if best is not None and best < 1:
            raise ConfigurationError(f"best must be at least 1, found {best}")
        self._match, self._form = match, form
        self._parts, self._heads, self._best = parts, heads or "all", best
        self._mix, self._mix_with, self._huber = mix, mix_with, huber

    def __call__(
        self, student: TreePotentials, teacher: TreePotentials, temperature: float
    ) -> Tensor:
        """
        # Returns

        `Tensor`
            Shape `(batch,)`.

        # Raises

        ConfigurationError
            If labels are to be matched and one side has none.
        """
        labelled = student.labels is not None and teacher.labels is not None
        if self._parts in ("labels", "both") and not labelled:
            raise ConfigurationError(
                f"parts is '{self._parts}', but student and teacher are compared without labels: "
                "set parts to 'arcs'"
            )
        if labelled and self._parts in (None, "both") and self._is_joint:
            return self._of_both(student, teacher, temperature) / temperature**2
        losses = []
        if self._parts != "labels":
            losses.append(self._of_arcs(student, teacher, temperature))
        if self._parts != "arcs" and labelled:
            losses.append(self._of_labels(student, teacher, temperature))
        return sum(losses[1:], losses[0])

    @property
    def _is_joint(self) -> bool:
        """Whether arcs and labels contribute to one variance over assignments of heads and labels."""
        if self._match != "scores":
            return False
        return self._form == "weighted" or (self._form == "centred" and self._heads == "all")

    def _of_both(
        self, student: TreePotentials, teacher: TreePotentials, temperature: float
    ) -> Tensor:
        if self._form == "weighted":
            weights = self._mixed(student, teacher)
            return weighted_labelled_scores(student, teacher, weights, self._mix, self._mix_with)
        return centred_labelled_scores(student, teacher, self._tempered_huber(temperature))

    def _of_arcs(
        self, student: TreePotentials, teacher: TreePotentials, temperature: float
    ) -> Tensor:
        if self._match == "predictions":
            return arc_predictions(student, teacher, temperature)
        if self._form == "raw":
            return raw_arc_scores(student, teacher) / temperature**2
        weights = self._mixed(student, teacher) if self._form == "weighted" else None
        huber = self._tempered_huber(temperature)
        return centred_arc_scores(student, teacher, weights, huber) / temperature**2

    def _of_labels(
        self, student: TreePotentials, teacher: TreePotentials, temperature: float
    ) -> Tensor:
        if self._match == "predictions":
            return label_predictions(student, teacher, temperature)
        if self._form == "weighted":
            weights = self._mixed(student, teacher)
            mixing = self._mix, self._mix_with
            return weighted_label_scores(student, teacher, weights, *mixing) / temperature**2
        if self._best is not None:
            weights = best_heads(teacher, self._best)
        elif self._heads == "probable":
            weights = probable_heads(teacher.without_labels().tempered(temperature))
        else:
            weights = all_heads(teacher)
        if self._form == "raw":
            return raw_label_scores(student, teacher, weights) / temperature**2
        huber = self._tempered_huber(temperature)
        return centred_label_scores(student, teacher, weights, huber) / temperature**2

    def _mixed(self, student: TreePotentials, teacher: TreePotentials) -> Tensor:
        return mixed_heads(student, teacher, self._mix, self._mix_with)

    def _tempered_huber(self, temperature: float) -> Optional[float]:
        """Adapts the Huber threshold to differences that are divided by the temperature after
        squaring.
        """
        return None if self._huber is None else self._huber * temperature
