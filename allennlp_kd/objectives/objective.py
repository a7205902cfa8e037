"""The base class of distillation objectives."""

from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple, Union

from allennlp.common import Registrable
from allennlp.common.checks import ConfigurationError
from torch import Tensor
from torch.nn import Module

Layer = Union[int, str]
"""`"encoder"`, `"embedder"`, or the index of a layer of a transformer."""

CARRIED = frozenset({"marginals"})
"""Which of `needs` the teacher's potentials carry themselves."""


class Objective(Registrable):
    """A function of student potentials and teacher potentials that gives a loss per sentence.

    Both sides come with the same mask and, label by label, in the same order. The teacher's carry no
    gradient. A sub-class is registered by name and says in its docstring what it computes and where the
    formula comes from.

    # Parameters

    temperature : `float`, optional (default = `1.0`)
        Divides both sides' potentials. It may be changed while training (a schedule does).

    # Raises

    ConfigurationError
        If the temperature is not greater than 0, or infinite.
    """

    default_implementation = "substructured"

    structures: FrozenSet[str] = frozenset({"chain", "tree"})
    """The structures whose potentials this objective accepts."""

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
        """What it is given beside the potentials, by name; a teacher says what it `provides`."""
        return frozenset()

    @property
    def compares_scores(self) -> bool:
        """Whether it compares scores as such, which a teacher of annotations alone has not."""
        return False

    @property
    def layers(self) -> Tuple[Tuple[Layer, Layer], ...]:
        """Where `needs` has `hidden`: the student's and the teacher's layer of each pair."""
        return ()

    def build(self, student: Mapping[Layer, int], teacher: Mapping[Layer, int]) -> None:
        """Told the widths of the `layers`, once and before anything is computed."""

    @property
    def learned(self) -> Optional[Module]:
        """What is trained with the student and is not the student's; there once it is built."""
        return None

    @property
    def part_names(self) -> Tuple[str, ...]:
        """The names of the losses that this one is made of, where it is made of several."""
        return ()

    def check(self, structure: str, num_labels: int) -> None:
        """Refuses, when a model is built, a structure or a number of labels that it cannot be of.

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
        """The loss of each sentence: a sum over its sub-structures' positions, not divided by its words.

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
        """What `__call__` returns, and the losses that it is made of, unweighted.

        # Returns

        `Tuple[Tensor, Dict[str, Tensor]]`
            Of shape `(batch,)`; for each of `part_names` one of the same shape.
        """
        return self(student, teacher, **needed), {}
