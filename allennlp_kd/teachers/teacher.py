"""Whatever yields teacher potentials."""

from typing import Any, Dict, FrozenSet, List, Sequence, Tuple

from allennlp.common import Registrable
from allennlp.data import Instance
from torch import Tensor

from allennlp_kd.objectives.objective import Layer


class Teacher(Registrable):
    """Whatever yields teacher potentials: a live archive, a store on disk, an ensemble.

    A teacher has two sides. While data is read, `attach` puts what the teacher needs of each
    sentence into the instance, as the field `FIELD`; while training, `potentials` turns a batch of
    these into scores.
    """

    FIELD = "teacher"
    default_implementation = "archive"

    has_scores = True
    """Whether its potentials are scores to be compared; otherwise they are probabilities of 0 and 1."""

    @property
    def name(self) -> str:
        """What errors call it."""
        return type(self).__name__

    @property
    def structure(self) -> str:
        """`"chain"` or `"tree"`."""
        raise NotImplementedError

    @property
    def labels(self) -> List[str]:
        """The names of the tags (chain) or arc labels (tree), in the order of the potentials."""
        raise NotImplementedError

    @property
    def provides(self) -> FrozenSet[str]:
        """What it gives beside potentials, by the names of an objective's `needs`."""
        return frozenset()

    def introduce(self, labels: List[str]) -> None:
        """Told the student's labels, before it is asked for its own."""

    def attach(self, instances: List[Instance]) -> None:
        """Adds the field `FIELD` to each of these (the student's) instances."""
        raise NotImplementedError

    def potentials(self, inputs: Any):
        """The scores of a batch, without gradient.

        # Parameters

        inputs : `Any`
            What the collated field's tensors are for the sentences that have one (`OptionalField`'s
            `value`).

        # Returns

        `ChainPotentials` or `TreePotentials`
            One row a sentence that has the field, in the order of the batch.
        """
        raise NotImplementedError

    def state_widths(self, layers: Sequence[Layer]) -> Dict[Layer, int]:
        """The widths of its layers, where it provides `hidden`.

        # Raises

        ConfigurationError
            If it has no such layer.
        """
        raise NotImplementedError

    def potentials_and_states(
        self, inputs: Any, layers: Sequence[Layer]
    ) -> Tuple[Any, Dict[Layer, Tensor]]:
        """What `potentials` returns, and the layers' vectors, each of shape `(rows, words, width)`.

        Of teachers that provide `hidden`.
        """
        raise NotImplementedError
