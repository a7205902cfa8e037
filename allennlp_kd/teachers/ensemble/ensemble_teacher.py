"""The `ensemble` teacher: the weighted mean of several teachers."""

import hashlib
import json
import math
from typing import Any, Dict, List, Optional, Sequence

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Instance
from overrides import overrides

from allennlp_kd.fields.ensemble_field import EnsembleField
from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.structs.chain import mixtures as chain_mixtures
from allennlp_kd.structs.tree import mixtures as tree_mixtures
from allennlp_kd.teachers.ensemble.shared_labels import shared_labels
from allennlp_kd.teachers.ensemble.shared_scores import nothing_scored, shared_scores
from allennlp_kd.teachers.label_alignment import LabelAlignment
from allennlp_kd.teachers.scoring_teacher import ScoringTeacher
from allennlp_kd.teachers.teacher import Teacher
from allennlp_kd.teachers.tensor_json import packed, unpacked

MIXTURES = {"chain": chain_mixtures, "tree": tree_mixtures}
COMBINATIONS = ("potentials", "marginals")


@Teacher.register("ensemble")
class EnsembleTeacher(ScoringTeacher):
    """The weighted mean of several teachers.

    Each member gets its own inputs from its own reader, so members may differ in vocabulary and
    sub-word tokenizer. A store can hold the ensemble's scores, so that no member runs during
    training.

    # Parameters

    teachers : `List[Teacher]`
        The members: archives, stores or ensembles with the same structure.
    weights : `List[float]`, optional
        One for each member, greater than 0; they are divided by their sum. The default is equal
        weights.
    combine : `str`, optional (default = `"potentials"`)
        `potentials`: the mean of the scores (`mixtures.mean_potentials`), a consensus: a structure
        that one member excludes is excluded. `marginals`: the mean of the probabilities of tags, or
        for trees of heads and labels (`mixtures.mean_marginals`), a vote. For chains, it loses the
        dependence between neighboring tags. Use it for members whose scores are not comparable. For
        trees it needs the scores of all labels of all arcs, which a store cannot hold.
    labels : `str`, optional (default = `"same"`)
        `same`: the members must have the same labels, in any order. `shared`: the ensemble has the
        labels common to all members. The order of labels is the first member's.

    # Raises

    ConfigurationError
        If there is no member, the weights are not as above, or an option is unknown; when first
        used, if the members are of several structures, or their labels do not fit the policy.
    """

    def __init__(
        self,
        teachers: List[Teacher],
        weights: Optional[List[float]] = None,
        combine: str = "potentials",
        labels: str = "same",
    ) -> None:
        if not teachers:
            raise ConfigurationError("an ensemble needs at least one teacher, found none")
        if combine not in COMBINATIONS:
            raise ConfigurationError(
                f"combine must be one of {', '.join(COMBINATIONS)}, found '{combine}'"
            )
        self._members = teachers
        self._weights = _normalized(weights, len(teachers))
        self._combine = combine
        self._policy = labels
        self._structure: Optional[str] = None
        self._labels: List[str] = []
        self._alignments: List[LabelAlignment] = []

    @property
    @overrides
    def structure(self) -> str:
        # Computed once and lazily, so that building a configuration opens no member.
        if self._structure is None:
            found = [member.structure for member in self._members]
            if len(set(found)) > 1:
                each = ", ".join(f"{m.name}: {kind}" for m, kind in zip(self._members, found))
                raise ConfigurationError(
                    f"the members of an ensemble must have the same structure, found {each}"
                )
            self._structure = found[0]
        return self._structure

    @property
    def has_scores(self) -> bool:  # type: ignore[override]
        return all(member.has_scores for member in self._members)

    @property
    @overrides
    def labels(self) -> List[str]:
        self._agree()
        return list(self._labels)

    @property
    @overrides
    def name(self) -> str:
        return f"the ensemble of {', '.join(member.name for member in self._members)}"

    def _agree(self) -> None:
        """Finds the members' common labels once; the reader does not need them."""
        if self._labels:
            return
        self._labels = shared_labels(
            [(member.name, member.labels) for member in self._members], self._policy
        )
        self._alignments = [
            LabelAlignment(self._labels, member.labels, "shared") for member in self._members
        ]

    @overrides
    def introduce(self, labels: List[str]) -> None:
        for member in self._members:
            member.introduce(labels)

    @overrides
    def attach(self, instances: List[Instance]) -> None:
        _ = self.structure  # refuses incompatible members before it reads sentences for them
        parts = []
        for member in self._members:
            member.attach(instances)
            parts.append([instance.fields.pop(self.FIELD) for instance in instances])
        for instance, fields in zip(instances, zip(*parts)):
            known = all(field.field is not None for field in fields)
            found = EnsembleField([field.field for field in fields]) if known else None
            instance.add_field(self.FIELD, OptionalField(found))

    @overrides
    def potentials(self, inputs: Any):
        expected = [str(number) for number in range(len(self._members))]
        if list(inputs) != expected:
            raise ConfigurationError(
                f"{self.name} has the members {', '.join(expected)}, but the sentences were read "
                f"for another teacher (with {', '.join(inputs)}): dataset_reader.teacher and "
                "model.teacher must be the same"
            )
        parts = (inputs[number] for number in expected)
        return self._mixed([each.potentials(part) for each, part in zip(self._members, parts)])

    @overrides
    def knows(self, sentence: Sentence) -> bool:
        return all(member.knows(sentence) for member in self._members)

    @property
    @overrides
    def parameters(self) -> Optional[int]:
        return _total([member.parameters for member in self._members])

    @property
    @overrides
    def size(self) -> Optional[int]:
        return _total([member.size for member in self._members])

    @overrides
    def check(self, sentences: Sequence[Sentence]) -> None:
        for member in self._scoring():
            member.check(sentences)

    @overrides
    def score(self, sentences: List[Sentence]):
        return self._mixed([member.score(sentences) for member in self._scoring()])

    @torch.no_grad()
    def _mixed(self, scored: Sequence[Any]):
        """Averages the members' potentials over the labels of the ensemble."""
        self._agree()
        aligned = []
        for member, alignment, potentials in zip(self._members, self._alignments, scored):
            if alignment.teacher != list(range(len(member.labels))):
                potentials = potentials.select_tags(alignment.teacher)
            aligned.append(potentials)
        mixtures = MIXTURES[self.structure]
        if self._combine == "potentials":
            return mixtures.mean_potentials(aligned, self._weights)
        return mixtures.mean_marginals(aligned, self._weights)

    def _scoring(self) -> List[ScoringTeacher]:
        wrong = [m for m in self._members if not isinstance(m, ScoringTeacher)]
        if wrong:
            raise ConfigurationError(
                "a store can hold the scores of an ensemble of archives, but one of the members "
                f"is {wrong[0].name}"
            )
        return self._members  # type: ignore[return-value]

    @property
    @overrides
    def scores_one_by_one(self) -> bool:
        return any(member.scores_one_by_one for member in self._scoring())

    @property
    @overrides
    def fingerprint(self) -> str:
        members = [member.fingerprint for member in self._scoring()]
        content = json.dumps([members, self._weights, self._combine, self._policy])
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()

    @overrides
    def description(self) -> Dict[str, Any]:
        if self._combine == "marginals" and self.structure == "tree":
            raise ConfigurationError(
                "a store holds factors of label scores, which an ensemble of trees with combine "
                f'"marginals" lacks: {self.name}. Set combine to "potentials", or remove the store'
            )
        members = [member.description() for member in self._scoring()]
        features = sorted({name for member in members for name in member.get("features", ())})
        nothing = [
            nothing_scored(
                self.structure,
                {name: unpacked(value) for name, value in member["shared"].items()},
            )
            for member in members
        ]
        shared = shared_scores(self._mixed(nothing))
        return {
            "structure": self.structure,
            "labels": self.labels,
            "shared": {name: packed(tensor) for name, tensor in shared.items()},
            "takes_tags": any(member["takes_tags"] for member in members),
            **({"features": features} if features else {}),
        }

    @overrides
    def rest(self) -> None:
        for member in self._scoring():
            member.rest()


def _total(numbers: List[Optional[int]]) -> Optional[int]:
    """The sum, of those that there are."""
    found = [number for number in numbers if number is not None]
    return sum(found) if found else None


def _normalized(weights: Optional[List[float]], members: int) -> List[float]:
    if weights is None:
        return [1 / members] * members
    if len(weights) != members:
        raise ConfigurationError(
            f"an ensemble of {members} teachers needs {members} weights, found {len(weights)}"
        )
    if not all(weight > 0 and math.isfinite(weight) for weight in weights):
        raise ConfigurationError(f"weights must be greater than 0, found {weights}")
    return [weight / sum(weights) for weight in weights]
