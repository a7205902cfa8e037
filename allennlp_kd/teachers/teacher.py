"""The base class of teachers."""

from typing import Any, Dict, FrozenSet, List, Optional, Sequence, Tuple

from allennlp.common import Registrable
from allennlp.data import Instance
from torch import Tensor

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.objectives.objective import Layer
from allennlp_kd.structs.chain import ChainPotentials, viterbi
from allennlp_kd.structs.tree import maximum_spanning_tree


class Teacher(Registrable):
    """A source of potentials, such as a live archive, a store on disk, or an ensemble.

    A teacher has two sides. While data is read, `attach` adds the teacher's inputs for each
    sentence to the instance, as the field `FIELD`. During training, `potentials` turns a batch of
    these inputs into scores.
    """

    FIELD = "teacher"
    default_implementation = "archive"

    has_scores = True
    """Whether its potentials are scores that can be compared; otherwise they encode probabilities
    of 0 and 1.
    """

    @property
    def name(self) -> str:
        """The name in error messages."""
        return type(self).__name__

    @property
    def structure(self) -> str:
        """The kind of the potentials: `"chain"` or `"tree"`."""
        raise NotImplementedError

    @property
    def labels(self) -> List[str]:
        """The names of the tags (chain) or arc labels (tree), in the order of the potentials."""
        raise NotImplementedError

    @property
    def provides(self) -> FrozenSet[str]:
        """Other outputs besides potentials, by the names of an objective's `needs`."""
        return frozenset()

    def introduce(self, labels: List[str]) -> None:
        """Receives the student's labels, before its own are requested."""

    def attach(self, instances: List[Instance]) -> None:
        """Adds the field `FIELD` to each of the student's instances."""
        raise NotImplementedError

    def potentials(self, inputs: Any):
        """Returns the scores of a batch, without gradients.

        # Parameters

        inputs : `Any`
            The tensors of the collated field for the sentences that have one (`OptionalField`'s
            `value`).

        # Returns

        `ChainPotentials` or `TreePotentials`
            One row for each sentence that has the field, in the order of the batch.
        """
        raise NotImplementedError

    def knows(self, sentence: Sentence) -> bool:
        """Whether it may be asked about a sentence; the others learn from gold alone."""
        return True

    def decisions(self, potentials: Any) -> Dict[str, Tensor]:
        """The structures that it predicts, from its potentials.

        By default the best sequence of tags, or the best tree with one root word.

        # Returns

        `Dict[str, Tensor]`
            `labels`, and for trees `heads`, each of shape `(batch, words)`, integer.
        """
        if isinstance(potentials, ChainPotentials):
            return {"labels": viterbi(potentials)[0]}
        heads, labels, _ = maximum_spanning_tree(potentials)
        return {"heads": heads, "labels": labels}

    @property
    def parameters(self) -> Optional[int]:
        """The number of its network's parameters; `None` if it has no network of its own."""
        return None

    @property
    def size(self) -> Optional[int]:
        """The bytes that its network takes on disk; `None` if it has no network of its own."""
        return None

    def state_widths(self, layers: Sequence[Layer]) -> Dict[Layer, int]:
        """Returns the widths of its layers, if it provides `hidden`.

        # Raises

        ConfigurationError
            If it has no such layer.
        """
        raise NotImplementedError

    def potentials_and_states(
        self, inputs: Any, layers: Sequence[Layer]
    ) -> Tuple[Any, Dict[Layer, Tensor]]:
        """Returns the potentials, and the layers' vectors, each of shape `(rows, words, width)`.

        Only for teachers that provide `hidden`.
        """
        raise NotImplementedError
