"""Provides the hidden vectors that an objective asks for."""

from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Mapping, Optional

from torch import Tensor

from allennlp_kd.models.aligned_parts import Part
from allennlp_kd.models.student import Student
from allennlp_kd.modules.word_states import Layer, WordStates
from allennlp_kd.objectives.hidden import HiddenStates
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.teachers.teacher import Teacher


class HiddenMatching:
    """Tells an objective the widths of its layers, and provides their vectors for each batch.

    Where it asks for none, nothing is recorded.

    # Parameters

    student : `Student`
    teacher : `Teacher`
    objective : `Objective`

    # Raises

    ConfigurationError
        If one side has no such layer, or their widths do not suit the objective.
    """

    def __init__(self, student: Student, teacher: Teacher, objective: Objective) -> None:
        self._student: Optional[WordStates] = None
        self.of_teacher: List[Layer] = [of_teacher for _, of_teacher in objective.layers]
        """The teacher's layers that are recorded."""
        if objective.layers:
            of_student = [of_student for of_student, _ in objective.layers]
            self._student = WordStates(student, of_student, "the student")
            objective.build(self._student.widths, teacher.state_widths(self.of_teacher))

    @contextmanager
    def recorded(self) -> Iterator[Mapping[Layer, Tensor]]:
        """Records the student's vectors in a dictionary, which is complete when the context exits."""
        if self._student is None:
            yield {}
        else:
            with self._student.recorded() as found:
                yield found

    def needed(
        self,
        student: Mapping[Layer, Tensor],
        teacher: Mapping[Layer, Tensor],
        length: int,
    ) -> Dict[str, Any]:
        """Returns the inputs of the objective besides the potentials.

        # Parameters

        student : `Mapping[Layer, Tensor]`
            Each of shape `(rows, words, width)`; empty where none were recorded.
        teacher : `Mapping[Layer, Tensor]`
            Of the same sentences, whose words may be padded to another length.
        length : `int`
            Of the potentials that are compared.
        """
        if not student:
            return {}
        sides = (
            {layer: found[:, :length] for layer, found in side.items()}
            for side in (student, teacher)
        )
        return {"hidden": HiddenStates(*sides)}

    def of_part(
        self, student: Mapping[Layer, Tensor], teacher: Mapping[Layer, Tensor], part: Part
    ) -> Dict[str, Any]:
        """Like `needed`, for some of the sentences."""
        if not student:
            return {}
        row = part.rows.unsqueeze(1)
        return {
            "hidden": HiddenStates(
                {layer: found[row, part.tokens] for layer, found in student.items()},
                {layer: found[row, part.words] for layer, found in teacher.items()},
            )
        }
