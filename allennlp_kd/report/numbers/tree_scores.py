"""Scores for trees: attachment scores overall, by label, and by distance to the head."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from allennlp_models.structured_prediction.models.biaffine_dependency_parser import POS_TO_IGNORE

from allennlp_kd.metrics.dependency_scores import DependencyScores
from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence

# The last one has no upper end.
DISTANCES = ((1, 1), (2, 2), (3, 4), (5, 8), (9, None))


def distance_of(word: int, head: int) -> str:
    """Returns the name of the distance from a word (from 0) to its head (0 is ROOT, words count
    from 1).
    """
    if head == 0:
        return "root"
    far = abs(word + 1 - head)
    first, last = next(each for each in DISTANCES if each[1] is None or far <= each[1])
    return f"{first}+" if last is None else str(first) if first == last else f"{first}–{last}"


def tree_scores(
    decoded: Sequence[DecodedSentence],
    gold: Sequence[DecodedSentence],
    tags: Sequence[Optional[Tuple[str, ...]]],
) -> Dict[str, Any]:
    """
    # Parameters

    tags : `Sequence[Optional[Tuple[str, ...]]]`
        The part-of-speech tags of each sentence, which tell AllenNLP's scores what is punctuation.

    # Returns

    `Dict[str, Any]`
        `scores`: those of `DependencyScores`. `by_label` and `by_distance`, over all words:
        `label` or `distance` of the gold arcs, `gold` (how many there are), `UAS` and `LAS`.
    """
    names = sorted({label for each in (*decoded, *gold) for label in each.labels})
    metric = DependencyScores(names)
    counts: Dict[Tuple[str, str], List[int]] = {}
    for ours, theirs, tags_here in zip(decoded, gold, tags):
        _count_all(metric, names, ours, theirs, tags_here)
        for word, (label, head) in enumerate(zip(theirs.labels, theirs.heads)):
            right = ours.heads[word] == head
            both = right and ours.labels[word] == label
            for key in (("label", label), ("distance", distance_of(word, head))):
                found = counts.setdefault(key, [0, 0, 0])
                for place, number in enumerate((1, right, both)):
                    found[place] += number
    ends = [distance_of(0, first + 1) for first, _ in DISTANCES]
    distances = [name for name in ("root", *ends) if ("distance", name) in counts]
    labels = [label for kind, label in counts if kind == "label"]
    labels.sort(key=lambda label: (-counts["label", label][0], label))
    return {
        "scores": metric.get_metric(),
        "by_label": [_row("label", label, counts) for label in labels],
        "by_distance": [_row("distance", name, counts) for name in distances],
    }


def _row(kind: str, name: str, counts: Dict[Tuple[str, str], List[int]]) -> Dict[str, Any]:
    words, right, both = counts[kind, name]
    return {kind: name, "gold": words, "UAS": right / words, "LAS": both / words}


def _count_all(
    metric: DependencyScores,
    names: List[str],
    ours: DecodedSentence,
    theirs: DecodedSentence,
    tags: Optional[Tuple[str, ...]],
) -> None:
    # Tensors of shape (1, words)
    heads, gold_heads = torch.tensor([ours.heads]), torch.tensor([theirs.heads])
    labels = torch.tensor([[names.index(label) for label in ours.labels]])
    gold_labels = torch.tensor([[names.index(label) for label in theirs.labels]])
    scored = None
    if tags is not None:
        scored = torch.tensor([[tag not in POS_TO_IGNORE for tag in tags]])
    mask = torch.ones_like(heads, dtype=torch.bool)
    metric(heads, labels, gold_heads, gold_labels, mask, scored)
