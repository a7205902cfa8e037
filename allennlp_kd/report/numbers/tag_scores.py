"""Scores for tags: accuracy, and precision, recall and F1 of spans or of tags."""

from collections import Counter
from typing import Any, Dict, Optional, Sequence

from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence
from allennlp_kd.report.numbers.spans import parts_of


def tag_scores(
    decoded: Sequence[DecodedSentence], gold: Sequence[DecodedSentence], encoding: Optional[str]
) -> Dict[str, Any]:
    """
    # Returns

    `Dict[str, Any]`
        `scores`: `accuracy` of tags; with an encoding `precision`, `recall` and `f1` of all spans
        together. `by_label`: of each type of span (without an encoding: of each tag) that is in the
        gold or was decoded, the most frequent first, `label`, `gold` (how many there are),
        `precision`, `recall` and `f1`.
    """
    right, decided, there = Counter(), Counter(), Counter()
    words, same = 0, 0
    for ours, theirs in zip(decoded, gold):
        words += len(theirs.labels)
        same += sum(left == right for left, right in zip(ours.labels, theirs.labels))
        found, true = parts_of(ours.labels, encoding), parts_of(theirs.labels, encoding)
        decided.update(label for label, _ in found)
        there.update(label for label, _ in true)
        right.update(label for label, _ in found & true)
    scores = {"accuracy": same / words}
    if encoding is not None:
        totals = (sum(right.values()), sum(decided.values()), sum(there.values()))
        scores.update(_f1(*totals))
    by_label = [
        {"label": label, "gold": there[label], **_f1(right[label], decided[label], there[label])}
        for label in sorted(set(there) | set(decided), key=lambda label: (-there[label], label))
    ]
    return {"scores": scores, "by_label": by_label}


def _f1(right: int, decided: int, there: int) -> Dict[str, float]:
    return {
        "precision": right / decided if decided else 0.0,
        "recall": right / there if there else 0.0,
        "f1": 2 * right / (decided + there) if decided + there else 0.0,
    }
