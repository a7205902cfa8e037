"""Converts a teacher's potentials to the factorization of its student."""

from typing import Any, FrozenSet, List, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Instance
from overrides import overrides

from allennlp_kd.fields.relative_tags import parse_tag
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.chain.conversions import independent
from allennlp_kd.structs.tree.conversions import relative_tags
from allennlp_kd.teachers.teacher import Teacher

CONVERSIONS = {"independent": "chain", "relative_heads": "tree"}
"""The structure that each conversion takes; all give a chain."""


@Teacher.register("converted")
class ConvertedTeacher(Teacher):
    """Gives marginals of the teacher over the student's sub-structures, for a student with a
    coarser factorization (Wang et al., "Structural knowledge distillation", 2021).

    A tag that is impossible for a word, such as one whose head would be outside the sentence, has
    the score -inf: it has probability 0 at any temperature, and objectives over scores exclude it.

    # Parameters

    teacher : `Teacher`
        An archive, a store, or an ensemble. (A store contains scores before conversion, so put the
        store inside `converted`, not around it.)
    to : `str`
        `independent`, for chains: the tag distribution of each word (`conversions.independent`),
        for a student such as `simple_tagger_student`. `relative_heads`, for trees: the
        probabilities of tags that encode the position of a word's head and the arc's label
        (`conversions.relative_tags`), for a tagger that reads `conllu_relative_heads`.

    # Raises

    ConfigurationError
        If there is no such conversion; when first used, if the teacher's structure is another.
    """

    def __init__(self, teacher: Teacher, to: str) -> None:
        if to not in CONVERSIONS:
            raise ConfigurationError(f"to must be one of {', '.join(CONVERSIONS)}, found '{to}'")
        self._teacher, self._to = teacher, to
        self._tags: List[Tuple[str, int, int]] = []  # name, offset, index of the teacher's label

    @property
    @overrides
    def name(self) -> str:
        return f"{self._teacher.name}, converted to {self._to},"

    @property
    @overrides
    def structure(self) -> str:
        found = self._teacher.structure
        if found != CONVERSIONS[self._to]:
            raise ConfigurationError(
                f"'{self._to}' converts a {CONVERSIONS[self._to]}, but the structure of "
                f"{self._teacher.name} is {found}"
            )
        return "chain"

    @property
    @overrides
    def labels(self) -> List[str]:
        if self._to == "independent":
            return self._teacher.labels
        return [name for name, _, _ in self._tags]

    @property
    def has_scores(self) -> bool:  # type: ignore[override]
        return self._teacher.has_scores

    @property
    @overrides
    def provides(self) -> FrozenSet[str]:
        return frozenset({"marginals"})  # the conversion needs them

    @overrides
    def introduce(self, labels: List[str]) -> None:
        self._teacher.introduce(labels)
        if self._to == "independent" or self.structure != "chain":
            return
        known = {label: index for index, label in enumerate(self._teacher.labels)}
        parsed = [(name, parse_tag(name)) for name in labels]
        # Other labels are unknown to the teacher; the label policy decides about them.
        self._tags = [
            (name, found[0], known[found[1]])
            for name, found in parsed
            if found is not None and found[1] in known
        ]
        if not self._tags:
            raise ConfigurationError(
                f"none of the student's tags {', '.join(labels[:6])}, ... encodes an arc of "
                f"{self._teacher.name}: its reader must be of type 'conllu_relative_heads'"
            )

    @overrides
    def attach(self, instances: List[Instance]) -> None:
        self._teacher.attach(instances)

    @overrides
    def potentials(self, inputs: Any):
        with torch.no_grad():
            return self._converted(self._teacher.potentials(inputs))

    def _converted(self, potentials: Any) -> ChainPotentials:
        if self._to == "independent":
            return independent(potentials)
        device = potentials.arcs.device
        offsets = torch.tensor([offset for _, offset, _ in self._tags], device=device)
        labels = torch.tensor([label for _, _, label in self._tags], device=device)
        return relative_tags(potentials, offsets, labels)
