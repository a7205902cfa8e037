"""Explains the choices of `kd-init`, and warns of likely problems."""

from typing import List

from allennlp_kd.init_config.configuration import Choices
from allennlp_kd.init_config.corpus_profile import CorpusProfile
from allennlp_kd.init_config.student_sizes import TRAINING
from allennlp_kd.init_config.teacher_profile import TeacherProfile

STUDENTS = {
    "small": "hashed word features and narrow convolutions: fastest to serve and to train",
    "medium": "hashed word features and wider convolutions: slower and more accurate",
    "large": "the first layers of the teacher's transformer: most accurate and slowest",
}


def explanation(teacher: TeacherProfile, choices: Choices, metric: str) -> str:
    """Explains each choice in one line."""
    lines = [
        f"teacher: type '{teacher.kind}', found from its files.",
        "store: the teacher scores each sentence once; every epoch, and every other student, "
        "reads the scores from the store.",
        f"reader: {_reader(teacher)}",
        f"student: '{choices.student}', {STUDENTS[choices.student]}.",
        "labels: those of the teacher, whatever labels the gold has.",
        "objective: 'substructured' matches the teacher's predictions on every sub-structure, "
        "without dynamic programming.",
        f"alpha {TRAINING[choices.student]['alpha']}: the teacher's share of the loss that did "
        "best on development data for this size. With less gold, use a larger alpha.",
        f"validation_metric: '{metric}', the usual score for the task.",
        "trainer 'resumable', checkpointer 'whole': an interrupted run continues with --recover "
        "and gives the same student.",
    ]
    if choices.tenth:
        lines.append(
            "labelled_fraction 0.1: because of --tenth. The choice of sentences depends only on "
            "their words."
        )
    if choices.text:
        lines.append("unlabeled text: the teacher annotates it; distillation helps most there.")
    return "\n".join(lines)


def _reader(teacher: TeacherProfile) -> str:
    if teacher.reader is not None:
        return "the reader of the teacher's archive, with the student's own indexers."
    return "the reader for the format of the training file."


def warnings_of(
    teacher: TeacherProfile, train: CorpusProfile, path: str, whole: bool = True
) -> List[str]:
    """Returns warnings about a corpus and its teacher.

    # Parameters

    teacher : `TeacherProfile`
    train : `CorpusProfile`
    path : `str`
        The corpus's file, for the warnings.
    whole : `bool`, optional (default = `True`)
        Whether all of the teacher's labels should be in it.
    """
    found = []
    unknown = sorted(train.labels - set(teacher.labels))
    if unknown:
        found.append(
            f"{path} has {len(unknown)} labels that the teacher lacks ({', '.join(unknown[:5])}). "
            "Training will refuse them: set label_map, or labels to 'shared', in the model"
        )
    missing = [label for label in teacher.labels if label not in train.labels]
    # A small dev set is no reason to worry.
    if missing and train.labels and whole:
        found.append(
            f"{len(missing)} of the teacher's labels do not occur in {path} "
            f"({', '.join(missing[:5])}): the student learns them only from the teacher"
        )
    if train.unopened and teacher.encoding == "BIO":
        found.append(
            f"{train.unopened} tags of {path} are I-X without a preceding B-X or I-X, as in IOB1: "
            "convert them to BIO, or read them with convert_to_coding_scheme"
        )
    return found
