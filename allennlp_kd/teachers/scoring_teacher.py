"""The base class of teachers whose scores a store can hold."""

from typing import Any, Dict, FrozenSet, List, Sequence

from overrides import overrides

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.teacher import Teacher


class ScoringTeacher(Teacher):
    """A teacher that scores sentences outside a training batch, and identifies what its scores
    depend on.
    """

    @property
    @overrides
    def provides(self) -> FrozenSet[str]:
        # For a chain they are computed from the potentials; for a tree they are normalized locally.
        return frozenset({"marginals"})

    @property
    def fingerprint(self) -> str:
        """A digest of everything that the scores depend on."""
        raise NotImplementedError

    def description(self) -> Dict[str, Any]:
        """The scores and settings that all sentences share, as JSON values.

        # Returns

        `Dict[str, Any]`
            `structure`; `labels`; `shared`, the tensors that a store holds once (packed);
            `takes_tags`, whether scores depend on part-of-speech tags; and, where they depend on
            features of a sentence, `features`, the list of their names.
        """
        raise NotImplementedError

    @property
    def scores_one_by_one(self) -> bool:
        """Whether scores depend on the padding of a batch, so sentences must be scored one by one.

        A store then has each sentence scored in a batch of its own.
        """
        return False

    def check(self, sentences: Sequence[Sentence]) -> None:
        """Refuses sentences that lack what the scores depend on, before any of them is scored.

        # Raises

        ConfigurationError
        """

    def score(self, sentences: List[Sentence]) -> Any:
        """
        # Returns

        `ChainPotentials` or `TreePotentials`
            One row a sentence.
        """
        raise NotImplementedError

    def rest(self) -> None:
        """Frees its GPU memory until it scores again."""
