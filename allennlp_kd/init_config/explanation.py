"""Why `kd-init` chose what it wrote, and what it found doubtful."""

from typing import List

from allennlp_kd.init_config.configuration import Choices
from allennlp_kd.init_config.corpus_profile import CorpusProfile
from allennlp_kd.init_config.student_sizes import TRAINING
from allennlp_kd.init_config.teacher_profile import TeacherProfile

STUDENTS = {
    "small": "hashed features of words under narrow convolutions: the fastest to serve and to train",
    "medium": "hashed features of words under wider convolutions: slower, and more accurate",
    "large": "the first layers of the teacher's transformer: the most accurate and the slowest",
}


def explanation(teacher: TeacherProfile, choices: Choices, metric: str) -> str:
    """One line for each choice."""
    lines = [
        f"teacher: type '{teacher.kind}', as its files say.",
        "store: the teacher scores each sentence once; every epoch, and every other student, reads "
        "its scores from the store.",
        f"reader: {_reader(teacher)}",
        f"student: '{choices.student}', {STUDENTS[choices.student]}.",
        "labels: the teacher's, whatever labels the gold has.",
        "objective: 'substructured' matches the teacher's predictions on every sub-structure; it needs "
        "no dynamic program.",
        f"alpha {TRAINING[choices.student]['alpha']}: the teacher's share of the loss that did best on "
        "development data for this size. Less gold wants more alpha.",
        f"validation_metric: '{metric}', the usual score of the task.",
        "trainer 'resumable', checkpointer 'whole': an interrupted run continues with --recover and "
        "ends with the same student.",
    ]
    if choices.tenth:
        lines.append(
            "labelled_fraction 0.1: --tenth. Which sentences depends on their words alone."
        )
    if choices.text:
        lines.append(
            "unlabelled text: the teacher annotates it; it is where distillation pays most."
        )
    return "\n".join(lines)


def _reader(teacher: TeacherProfile) -> str:
    if teacher.reader is not None:
        return "the one of the teacher's archive, with the student's own indexers."
    return "the one for the format of the training file."


def warnings_of(teacher: TeacherProfile, train: CorpusProfile, path: str) -> List[str]:
    """What is doubtful about a corpus and its teacher."""
    found = []
    unknown = sorted(train.labels - set(teacher.labels))
    if unknown:
        found.append(
            f"{path} has {len(unknown)} labels that the teacher lacks ({', '.join(unknown[:5])}). "
            "Training refuses them; give a label_map, or set labels to 'shared', in the model"
        )
    missing = [label for label in teacher.labels if label not in train.labels]
    if missing and train.labels:
        found.append(
            f"{len(missing)} of the teacher's labels are not in {path} ({', '.join(missing[:5])}): the "
            "student learns them from the teacher alone"
        )
    if train.unopened and teacher.encoding == "BIO":
        found.append(
            f"{train.unopened} tags of {path} are I-X without a B-X or I-X before them, as in IOB1: "
            "convert them to BIO, or read them with convert_to_coding_scheme"
        )
    return found
