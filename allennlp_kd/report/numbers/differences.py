"""Finds the sentences on which teacher and student differ most."""

from typing import Any, Dict, List, Sequence

from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence
from allennlp_kd.report.numbers.labelled_sentence import LabelledSentence


def differences(
    sentences: Sequence[LabelledSentence],
    teacher: Sequence[DecodedSentence],
    student: Sequence[DecodedSentence],
    most: int,
) -> List[Dict[str, Any]]:
    """
    # Parameters

    most : `int`
        How many sentences at most.

    # Returns

    `List[Dict[str, Any]]`
        Those with the most words that are decided differently, the shorter of equals first:
        `number` (from 1, among the labeled sentences of the file), `words`, `differing` (words,
        from 0), and of `gold`, `teacher` and `student` the `labels` (of trees, `heads` too).
    """
    differing = [theirs.differing(ours) for theirs, ours in zip(teacher, student)]
    order = sorted(
        (row for row, words in enumerate(differing) if words),
        key=lambda row: (-len(differing[row]), len(teacher[row].labels), row),
    )
    return [
        {
            "number": row + 1,
            "words": list(sentences[row].sentence.words),
            "differing": list(differing[row]),
            "gold": _decided(sentences[row].gold),
            "teacher": _decided(teacher[row]),
            "student": _decided(student[row]),
        }
        for row in order[:most]
    ]


def _decided(decoded: DecodedSentence) -> Dict[str, List[Any]]:
    found: Dict[str, List[Any]] = {"labels": list(decoded.labels)}
    if decoded.heads is not None:
        found["heads"] = list(decoded.heads)
    return found
