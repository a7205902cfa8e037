"""Pairs the potentials of student and teacher over the same sentences, words and labels."""

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from torch import Tensor

from allennlp_kd.models.aligned_parts import parts_of_chains, parts_of_trees
from allennlp_kd.models.hidden_matching import HiddenMatching
from allennlp_kd.models.matching import have_nan, merge_labels, on_same_words, spread_tags
from allennlp_kd.models.row_selection import RowSelection, select_rows
from allennlp_kd.models.student import Student
from allennlp_kd.objectives.objective import Layer, Objective
from allennlp_kd.random_states import preserved_random_states
from allennlp_kd.structs.chain import with_marginals
from allennlp_kd.structs.tree import TreePotentials
from allennlp_kd.teachers.label_alignment import LabelAlignment
from allennlp_kd.teachers.teacher import Teacher

WHO_PROVIDES = {
    "hidden": "A live archive provides hidden vectors.",
    "marginals": "A live archive provides marginals, and so does a store written with `marginals: "
    "true`.",
}


class Comparison(NamedTuple):
    """The potentials and other inputs of an objective for some of the sentences.

    # Parameters

    student, teacher : `ChainPotentials` or `TreePotentials`
        With the same mask and the same labels.
    needed : `Dict[str, Any]`
        The other inputs of the objective.
    rows : `Tensor`
        Shape `(rows,)`: for each row the number of its sentence among those that have teacher inputs.
    whole : `bool`
        Whether rows are sentences, and not parts of them.
    """

    student: Any
    teacher: Any
    needed: Dict[str, Any]
    rows: Tensor
    whole: bool


class Pairing:
    """Prepares the potentials of a student and a teacher for an objective.

    # Parameters

    student : `Student`
    teacher : `Teacher`
    objective : `Objective`
    policy : `str`
        `same` or `shared`, see `LabelAlignment`; or, for trees, `none`: only arcs are compared.
    label_map : `Dict[str, str]`, optional
        The student's name for some of the teacher's labels; of trees several may get one.

    # Raises

    ConfigurationError
        If the three are not of one structure, the objective needs what the teacher does not
        provide, the labels do not fit the policy, or the objective cannot compare this many labels.
    """

    def __init__(
        self,
        student: Student,
        teacher: Teacher,
        objective: Objective,
        policy: str = "same",
        label_map: Optional[Dict[str, str]] = None,
    ) -> None:
        structure = student.structure
        if teacher.structure != structure or structure not in objective.structures:
            raise ConfigurationError(
                f"the student's structure is {structure}, the teacher's is {teacher.structure}, "
                f"and the objective {type(objective).__name__} with these options takes "
                f"{', '.join(sorted(objective.structures))}: these must be the same structure"
            )
        absent = objective.needs - teacher.provides
        if absent:
            raise ConfigurationError(
                f"the objective {type(objective).__name__} needs {', '.join(sorted(absent))}, "
                f"which the teacher {type(teacher).__name__} does not provide (it provides "
                f"{', '.join(sorted(teacher.provides)) or 'only potentials'}). "
                + " ".join(WHO_PROVIDES[each] for each in sorted(absent) if each in WHO_PROVIDES)
            )
        if objective.compares_scores and not teacher.has_scores:
            raise ConfigurationError(
                f"the objective {type(objective).__name__} with these options compares scores, but "
                f'{teacher.name} have none: use `match: "predictions"`, or the objective `token`, '
                "`marginal`, `structural` or `top_k`"
            )
        # These scores cover all of the teacher's labels. For trees, they are normalized locally.
        self._wants_marginals = structure == "chain" and "marginals" in objective.needs
        self._takes_parts = objective.takes_parts
        self._objective_name = type(objective).__name__
        self._teacher = teacher
        self._num_labels, self._num_teacher_labels = len(student.labels), len(teacher.labels)
        self.hidden = HiddenMatching(student, teacher, objective)
        self._alignment: Optional[LabelAlignment] = None
        if policy != "none":
            # The merged score of two CRF tags is not the score of a CRF.
            self._alignment = LabelAlignment(
                student.labels, teacher.labels, policy, label_map, merge=structure == "tree"
            )
        elif structure != "tree" or label_map is not None:
            raise ConfigurationError(
                'the label policy "none" is only for trees and takes no label_map, found the '
                f"structure {structure} and the label_map {label_map}"
            )
        compared = 0 if self._alignment is None else len(self._alignment.student)
        objective.check(structure, compared)

    def __call__(self, student: Any, inputs: Any) -> Tuple[Any, Any]:
        """
        # Parameters

        student : `ChainPotentials` or `TreePotentials`
            Of the sentences that have teacher inputs.
        inputs : `Any`
            These inputs, collated.

        # Returns

        `Tuple`
            The student's and the teacher's potentials, with the same mask and the same labels.

        # Raises

        ValueError
            If the teacher has scored other sentences, or other numbers of words.
        """
        return self.with_needed(student, RowSelection(None, inputs), {})[:2]

    def with_needed(
        self, student: Any, rows: RowSelection, states: Mapping[Layer, Tensor]
    ) -> Tuple[Any, Any, Dict[str, Any]]:
        """Like `__call__`, but also returns the other inputs of the objective.

        # Parameters

        student : `ChainPotentials` or `TreePotentials`
            Of all sentences.
        rows : `RowSelection`
            The teacher inputs, of one sentence at least.
        states : `Mapping[Layer, Tensor]`
            The student's vectors, which `hidden` has recorded; where there are none, only the
            potentials are given.
        """
        student, teacher, states, teacher_states = self._scored(student, rows, states)
        student, teacher = on_same_words(student, teacher)
        needed = self.hidden.needed(states, teacher_states, student.mask.shape[1])
        return (*self._aligned(student, teacher), needed)

    def comparisons(
        self,
        student: Any,
        rows: RowSelection,
        states: Mapping[Layer, Tensor],
        alignment: RowSelection,
    ) -> List[Comparison]:
        """Like `with_needed`, if the student has other tokens than the teacher in some sentences.

        The sentences whose tokens are the teacher's words come first, whole. For the others, the
        parts that both have follow: the runs of adjacent aligned words of a chain, and of a tree
        the arcs
        between aligned words and from ROOT to them.

        # Parameters

        student : `ChainPotentials` or `TreePotentials`
            Of all sentences.
        rows : `RowSelection`
            The teacher inputs, of one sentence at least.
        states : `Mapping[Layer, Tensor]`
            As in `with_needed`.
        alignment : `RowSelection`
            Pairs of a token and a word, shape `(rows, pairs, 2)`, filled up with -1.

        # Raises

        ConfigurationError
            If the objective needs whole sentences.
        """
        if alignment.value is None:
            found = self.with_needed(student, rows, states)
            every = torch.arange(found[0].batch_size, device=found[0].mask.device)
            return [Comparison(*found, every, True)]
        if not self._takes_parts:
            raise ConfigurationError(
                f"the objective {self._objective_name} needs whole sentences, but in some of them the "
                "teacher scores only a part of the tokens: use the objective `substructured` or "
                '`token`, or set "teach_parts": false in the dataset reader'
            )
        size = student.batch_size
        student, teacher, states, teacher_states = self._scored(student, rows, states)
        in_parts = torch.zeros(size, dtype=torch.bool)
        in_parts[alignment.index if alignment.index is not None else slice(None)] = True
        if rows.index is not None:
            in_parts = in_parts[rows.index.cpu()]
        index = in_parts.nonzero().squeeze(1).to(student.mask.device)
        others = (~in_parts).nonzero().squeeze(1).to(student.mask.device)
        found = []
        if len(others):
            pair = on_same_words(student.select_rows(others), teacher.select_rows(others))
            sides = (select_rows(dict(side), others) for side in (states, teacher_states))
            needed = self.hidden.needed(*sides, pair[0].mask.shape[1])
            found.append(Comparison(*self._aligned(*pair), needed, others, True))
        pair = self._aligned(student.select_rows(index), teacher.select_rows(index))
        of_parts = parts_of_trees if isinstance(pair[0], TreePotentials) else parts_of_chains
        sides = [select_rows(dict(side), index) for side in (states, teacher_states)]
        for part in of_parts(*pair, alignment.value):
            needed = self.hidden.of_part(*sides, part)
            found.append(Comparison(part.student, part.teacher, needed, index[part.rows], False))
        return found

    def _scored(
        self, student: Any, rows: RowSelection, states: Mapping[Layer, Tensor]
    ) -> Tuple[Any, Any, Mapping[Layer, Tensor], Mapping[Layer, Tensor]]:
        """Returns potentials and states of both models for the sentences with teacher inputs."""
        teacher_states: Mapping[Layer, Tensor] = {}
        with torch.no_grad(), preserved_random_states(torch_alone=True):
            if states:
                teacher, teacher_states = self._teacher.potentials_and_states(
                    rows.value, self.hidden.of_teacher
                )
            else:
                teacher = self._teacher.potentials(rows.value)
            if self._wants_marginals and teacher.marginals is None:
                teacher = with_marginals(teacher)
        if rows.index is not None:
            student = student.select_rows(rows.index)
            states = {layer: found[rows.index] for layer, found in states.items()}
        return student, teacher, states, teacher_states

    def _aligned(self, student: Any, teacher: Any) -> Tuple[Any, Any]:
        if self._alignment is None:
            return student.without_labels(), teacher.without_labels()
        # Usually the labels are in order already, and selecting them would copy the scores.
        if self._alignment.student != list(range(self._num_labels)):
            student = student.select_tags(self._alignment.student)
        if self._alignment.merges:
            teacher = merge_labels(teacher, self._alignment.groups)
        elif self._alignment.teacher != list(range(self._num_teacher_labels)):
            teacher = teacher.select_tags(self._alignment.teacher)
        return student, teacher

    def spread(self, teacher: Any) -> Any:
        """Extends the teacher potentials returned by `__call__` to all of the student's labels."""
        if self._alignment is None:
            return teacher
        return spread_tags(teacher, self._alignment.student, self._num_labels)

    @staticmethod
    def check(losses: Tensor, compared: Comparison) -> None:
        """
        # Parameters

        losses : `Tensor`
            Shape `(rows,)`, the objective of these potentials.
        compared : `Comparison`

        # Raises

        ValueError
            If one is not a number: it says whose potentials are to blame.
        """
        wrong = torch.isnan(losses.detach())
        if not bool(wrong.any()):
            return
        row = int(compared.rows[wrong][0])
        for name, potentials in (("teacher", compared.teacher), ("student", compared.student)):
            if have_nan(potentials.select_rows(wrong.nonzero()[0])):
                raise ValueError(
                    f"the {name}'s scores of sentence {row} (among those in the batch that have "
                    "teacher inputs) contain NaN"
                )
        raise ValueError(f"the distillation loss of sentence {row} is NaN")
