"""Aligns the labels of student and teacher by name."""

from typing import Dict, List, Optional, Sequence

from allennlp.common.checks import ConfigurationError

POLICIES = ("same", "shared")


class LabelAlignment:
    """The correspondence between the student's and the teacher's labels.

    # Parameters

    student_labels, teacher_labels : `Sequence[str]`
        In the order of their potentials.
    policy : `str`, optional (default = `"same"`)
        `same`: both must have the same labels, in any order. `shared`: the labels that both have.
    label_map : `Dict[str, str]`, optional
        The student's name for some of the teacher's labels.
    merge : `bool`, optional (default = `False`)
        Whether several of the teacher's labels may be one of the student's.

    # Raises

    ConfigurationError
        If the policy is unknown, the map names a label that the teacher lacks or gives two of them
        one name where they cannot be merged, the labels differ under `same`, or none is shared.
    """

    def __init__(
        self,
        student_labels: Sequence[str],
        teacher_labels: Sequence[str],
        policy: str = "same",
        label_map: Optional[Dict[str, str]] = None,
        merge: bool = False,
    ) -> None:
        if policy not in POLICIES:
            raise ConfigurationError(
                f"labels must be one of {', '.join(POLICIES)}{', none' if merge else ''}, found "
                f"'{policy}'"
            )
        if not student_labels:
            raise ConfigurationError(
                "the student has no labels: its vocabulary is empty in the namespace of the "
                f"labels. The teacher has {list(teacher_labels)}"
            )
        label_map = label_map or {}
        unknown = sorted(set(label_map) - set(teacher_labels))
        if unknown:
            raise ConfigurationError(f"label_map names labels that the teacher lacks: {unknown}")
        renamed = [label_map.get(label, label) for label in teacher_labels]
        twice = sorted({label for label in renamed if renamed.count(label) > 1})
        if twice and not merge:
            raise ConfigurationError(
                "label_map maps several of the teacher's labels to one name, which only trees "
                f"allow: {twice}"
            )
        of_teacher: Dict[str, List[int]] = {}
        for index, label in enumerate(renamed):
            of_teacher.setdefault(label, []).append(index)
        only_student = [label for label in student_labels if label not in of_teacher]
        only_teacher = [label for label in renamed if label not in set(student_labels)]
        if policy == "same" and (only_student or only_teacher):
            raise ConfigurationError(
                "student and teacher have different labels. Only the student has "
                f"{only_student or 'none'}; only the teacher has {only_teacher or 'none'}. Give a "
                "label_map, or set labels to 'shared' to match the labels that both have"
            )
        shared = [label for label in student_labels if label in of_teacher]
        if not shared:
            raise ConfigurationError(
                f"student and teacher have no label in common: {list(student_labels)} and {renamed}"
            )
        self.student: List[int] = [list(student_labels).index(label) for label in shared]
        """The indices of the shared labels among the student's labels, in the student's order."""
        self.groups: List[List[int]] = [of_teacher[label] for label in shared]
        """For each shared label, the indices of the teacher's labels that map to it."""
        self.teacher: List[int] = [group[0] for group in self.groups]
        """The first index of each; without merged labels these are all indices."""
        self.merges = any(len(group) > 1 for group in self.groups)
