"""The base class of distillation objectives."""

from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple, Union

from allennlp.common import Registrable
from allennlp.common.checks import ConfigurationError
from torch import Tensor
from torch.nn import Module

Layer = Union[int, str]
"""A layer: `"encoder"`, `"embedder"`, or the index of a transformer layer."""

CARRIED = frozenset({"marginals"})
"""The members of `needs` that are part of the teacher's potentials."""


class Objective(Registrable):
    """A function of student and teacher potentials that returns a loss per sentence.

    Both potentials have the same mask and the same labels in the same order. The teacher's have no
    gradient. A sub-class is registered by name; its docstring says what it computes and gives the
    source of the formula.

    # Parameters

    temperature : `float`, optional (default = `1.0`)
        Divides the potentials of both models. It may change during training (a schedule does that).

    # Raises

    ConfigurationError
        If the temperature is not greater than 0, or infinite.
    """

    default_implementation = "substructured"

    structures: FrozenSet[str] = frozenset({"chain", "tree"})
    """The structures that this objective accepts."""

    takes_parts = False
    """Whether it looks at each word, edge or arc by itself, so that it may be given parts of sentences."""

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = temperature

    @property
    def temperature(self) -> float:
        return self._temperature

    @temperature.setter
    def temperature(self, value: float) -> None:
        if not 0 < value < float("inf"):
            raise ConfigurationError(f"temperature must be greater than 0, found {value}")
        self._temperature = float(value)

    @property
    def needs(self) -> FrozenSet[str]:
        """The names of its inputs besides the potentials; a teacher lists what it `provides`."""
        return frozenset()

    @property
    def compares_scores(self) -> bool:
        """Whether it compares scores as such, which annotations do not have."""
        return False

    @property
    def layers(self) -> Tuple[Tuple[Layer, Layer], ...]:
        """If `needs` has `hidden`: the student's and the teacher's layer of each pair."""
        return ()

    def build(self, student: Mapping[Layer, int], teacher: Mapping[Layer, int]) -> None:
        """Receives the widths of the `layers`, once, before the first loss is computed."""

    @property
    def learned(self) -> Optional[Module]:
        """The parameters that are trained with the student but are not part of it; available after
        `build`.
        """
        return None

    @property
    def part_names(self) -> Tuple[str, ...]:
        """The names of the losses that it combines, if there are several."""
        return ()

    def check(self, structure: str, num_labels: int) -> None:
        """Refuses a structure or a number of labels that it cannot handle, when a model is built.

        # Parameters

        structure : `str`
            One of `structures`.
        num_labels : `int`
            Those over which student and teacher are compared; 0 where trees are compared without.

        # Raises

        ConfigurationError
            It names the option that does not fit.
        """

    def __call__(self, student: Any, teacher: Any, **needed: Any) -> Tensor:
        """Returns the loss of each sentence: a sum over positions, not divided by the number of
        words.

        # Parameters

        student, teacher : `ChainPotentials` or `TreePotentials`
            Of the same batch; both of the same class.
        needed : `Any`
            One for each name of `needs`, but for what the potentials carry themselves.

        # Returns

        `Tensor`
            Shape `(batch,)`; 0 for a fully padded row.
        """
        raise NotImplementedError

    def with_parts(
        self, student: Any, teacher: Any, **needed: Any
    ) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Like `__call__`, but also returns the unweighted losses that it combines.

        # Returns

        `Tuple[Tensor, Dict[str, Tensor]]`
            Of shape `(batch,)`; for each of `part_names` one of the same shape.
        """
        return self(student, teacher, **needed), {}
