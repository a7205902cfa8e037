"""The agreement of a student with its teacher."""

from collections import Counter
from typing import Any, Dict, List, Sequence

import torch

from allennlp_kd.metrics.label_agreement import LabelAgreement
from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence


def agreement(
    student: Sequence[DecodedSentence],
    teacher: Sequence[DecodedSentence],
    gold: Sequence[DecodedSentence],
    student_labels: Sequence[str],
    teacher_labels: Sequence[str],
) -> Dict[str, Any]:
    """
    # Parameters

    student, teacher, gold : `Sequence[DecodedSentence]`
    student_labels, teacher_labels : `Sequence[str]`
        What each may decode. Labels are the same where their names are.

    # Returns

    `Dict[str, Any]`
        `only_teacher`, `only_student`: labels that only one of the two knows. `left_out`: the words for
        which the teacher decides one of `only_teacher`, which do not count in what follows.
        `scores`: those of `LabelAgreement`. `by_label`: `label` of the teacher, `words`, and the
        `share` of these for which the student decides the same (of trees, head and label).
        `confusion`: rows of `teacher`, `student` (labels), `words`, and of these `teacher_right`
        and `student_right`, where the label is the gold one; the most frequent first.
    """
    known = set(student_labels)
    names = sorted(known | set(teacher_labels))
    metric = LabelAgreement(names)
    words: Counter = Counter()
    pairs: Dict[Any, List[int]] = {}
    left_out = 0
    for ours, theirs, true in zip(student, teacher, gold):
        counts = [label in known for label in theirs.labels]
        left_out += counts.count(False)
        metric(_tensors(ours, names), _tensors(theirs, names), torch.tensor([counts]))
        for word, counted in enumerate(counts):
            if counted:
                pair = theirs.labels[word], ours.labels[word]
                words[pair[0]] += 1
                found = pairs.setdefault(pair, [0, 0, 0])
                right = (1, pair[0] == true.labels[word], pair[1] == true.labels[word])
                for place, number in enumerate(right):
                    found[place] += number
    shares = metric.by_label()
    return {
        "only_teacher": [label for label in teacher_labels if label not in known],
        "only_student": [label for label in student_labels if label not in set(teacher_labels)],
        "left_out": left_out,
        "scores": metric.get_metric(),
        "by_label": [
            {"label": label, "words": number, "share": shares[label]}
            for label, number in sorted(words.items(), key=lambda item: (-item[1], item[0]))
        ],
        "confusion": [
            dict(zip(("teacher", "student", "words", "teacher_right", "student_right"), row))
            for row in sorted(
                ((*pair, *numbers) for pair, numbers in pairs.items()),
                key=lambda row: (-row[2], row[:2]),
            )
        ],
    }


def _tensors(decoded: DecodedSentence, names: List[str]) -> Dict[str, torch.Tensor]:
    """Returns tensors of shape `(1, words)`."""
    found = {"labels": torch.tensor([[names.index(label) for label in decoded.labels]])}
    if decoded.heads is not None:
        found["heads"] = torch.tensor([decoded.heads])
    return found
