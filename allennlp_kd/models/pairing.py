"""The potentials of student and teacher for the same sentences, words and labels."""

from typing import Any, Dict, Mapping, Optional, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from torch import Tensor

from allennlp_kd.models.hidden_matching import HiddenMatching
from allennlp_kd.models.matching import have_nan, merge_labels, on_same_words, spread_tags
from allennlp_kd.models.row_selection import RowSelection
from allennlp_kd.models.student import Student
from allennlp_kd.objectives.objective import Layer, Objective
from allennlp_kd.random_states import preserved_random_states
from allennlp_kd.structs.chain import with_marginals
from allennlp_kd.teachers.label_alignment import LabelAlignment
from allennlp_kd.teachers.teacher import Teacher

WHO_PROVIDES = {
    "hidden": "A live archive provides hidden.",
    "marginals": "A live archive provides marginals, and a store written with `marginals: true`.",
}


class Pairing:
    """What an objective is given of a student and a teacher.

    # Parameters

    student : `Student`
    teacher : `Teacher`
    objective : `Objective`
    policy : `str`
        `same` or `shared`, see `LabelAlignment`; or, of trees, `none`: their arcs are compared
        alone.
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
                f"the student's structure is {structure}, the teacher's {teacher.structure}, and "
                f"the objective {type(objective).__name__} with these options takes "
                f"{', '.join(sorted(objective.structures))}: they do not go together"
            )
        absent = objective.needs - teacher.provides
        if absent:
            raise ConfigurationError(
                f"the objective {type(objective).__name__} needs {', '.join(sorted(absent))}, which "
                f"the teacher {type(teacher).__name__} does not provide (it provides "
                f"{', '.join(sorted(teacher.provides)) or 'potentials alone'}). "
                + " ".join(WHO_PROVIDES[each] for each in sorted(absent) if each in WHO_PROVIDES)
            )
        if objective.compares_scores and not teacher.has_scores:
            raise ConfigurationError(
                f"the objective {type(objective).__name__} with these options compares scores, and "
                f"{teacher.name} have none: match predictions, or take `token`, `marginal`, "
                "`structural` or `top_k`"
            )
        # Over all of the teacher's labels; those of a tree's words are local, in its scores.
        self._wants_marginals = structure == "chain" and "marginals" in objective.needs
        self._teacher = teacher
        self._num_labels, self._num_teacher_labels = len(student.labels), len(teacher.labels)
        self.hidden = HiddenMatching(student, teacher, objective)
        self._alignment: Optional[LabelAlignment] = None
        if policy != "none":
            # The sum of what a CRF scores with two tags is no CRF's.
            self._alignment = LabelAlignment(
                student.labels, teacher.labels, policy, label_map, merge=structure == "tree"
            )
        elif structure != "tree" or label_map is not None:
            raise ConfigurationError(
                'the label policy "none" is for trees and takes no label_map, '
                f"found the structure {structure} and the label_map {label_map}"
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
        """As `__call__`, with what the objective needs beside the potentials as a third.

        # Parameters

        student : `ChainPotentials` or `TreePotentials`
            Of all sentences.
        rows : `RowSelection`
            The teacher inputs, of one sentence at least.
        states : `Mapping[Layer, Tensor]`
            The student's vectors, which `hidden` has recorded; where there are none, nothing is
            given beside the potentials.
        """
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
        student, teacher = on_same_words(student, teacher)
        needed = self.hidden.needed(states, teacher_states, rows, student.mask.shape[1])
        return (*self._aligned(student, teacher), needed)

    def _aligned(self, student: Any, teacher: Any) -> Tuple[Any, Any]:
        if self._alignment is None:
            return student.without_labels(), teacher.without_labels()
        # Mostly they are in order already, and to select them is to copy them.
        if self._alignment.student != list(range(self._num_labels)):
            student = student.select_tags(self._alignment.student)
        if self._alignment.merges:
            teacher = merge_labels(teacher, self._alignment.groups)
        elif self._alignment.teacher != list(range(self._num_teacher_labels)):
            teacher = teacher.select_tags(self._alignment.teacher)
        return student, teacher

    def spread(self, teacher: Any) -> Any:
        """What `__call__` has returned of the teacher, over all of the student's labels."""
        if self._alignment is None:
            return teacher
        return spread_tags(teacher, self._alignment.student, self._num_labels)

    @staticmethod
    def check(losses: Tensor, student: Any, teacher: Any) -> None:
        """
        # Parameters

        losses : `Tensor`
            Shape `(rows,)`, the objective of these potentials.

        # Raises

        ValueError
            If one is not a number: it says whose potentials are to blame.
        """
        wrong = torch.isnan(losses.detach())
        if not bool(wrong.any()):
            return
        row = int(wrong.nonzero()[0])
        for name, potentials in (("teacher", teacher), ("student", student)):
            if have_nan(potentials.select_rows(wrong.nonzero()[0])):
                raise ValueError(
                    f"the {name}'s scores of sentence {row} (of those in the batch that have "
                    "teacher inputs) hold NaN"
                )
        raise ValueError(f"the distillation loss of sentence {row} is NaN")
