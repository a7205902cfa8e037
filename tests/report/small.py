"""Reports of models that are lists of decisions."""

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Sequence

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.report.numbers import comparison
from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence
from allennlp_kd.report.numbers.labelled_sentence import LabelledSentence

SCRIPT = "<script>alert(1)</script>"
WORDS = [[SCRIPT, "sees", "R&D"], ["http://a.b/c", "$", "cat"]]
SPANS = {
    "gold": ["B-<A> O B-N", "O B-N I-N"],
    "teacher": ["B-<A> O B-N", "O O B-N"],
    "plain": ["O O O", "O B-N I-N"],
    "good": ["B-<A> O O", "O O B-N"],
}
TREES = {
    "gold": [("<a> root obj", (2, 0, 2)), ("root <a> obj", (0, 1, 2))],
    "teacher": [("<a> root obj", (2, 0, 2)), ("root <a> obj", (0, 1, 1))],
    "plain": [("obj root obj", (3, 0, 2)), ("root obj obj", (0, 3, 1))],
    "good": [("<a> root obj", (2, 0, 2)), ("root obj obj", (0, 1, 1))],
}


def spans(name: str, sure: float = 0.75) -> List[DecodedSentence]:
    return [
        DecodedSentence(tuple(tags.split()), None, (sure,) * len(tags.split()))
        for tags in SPANS[name]
    ]


def trees(name: str, sure: float = 0.75) -> List[DecodedSentence]:
    return [
        DecodedSentence(tuple(labels.split()), heads, (sure,) * len(heads))
        for labels, heads in TREES[name]
    ]


PACKAGED: Dict[str, Any] = defaultdict(
    lambda: {
        "float": {"bytes": 2_000_000, "words_per_second": 20_000.0},
        "int8": {"bytes": 700_000, "words_per_second": 41_000.0},
    },
    plain={"reason": "its encoder cannot be packaged"},
)


def report(
    monkeypatch: Any,
    structure: str,
    encoding: Optional[str] = "BIO",
    plain: Optional[str] = "plain",
    runs: Optional[Dict[str, Path]] = None,
    students: Sequence[str] = ("plain", "good"),
    always_known: Sequence[str] = ("O",),
) -> Dict[str, Any]:
    """What `compare` makes of decisions, with no model behind them."""
    decoded = spans if structure == "chain" else trees
    rows = [
        LabelledSentence(Sentence(tuple(words), ("X", "X", "PUNCT")), gold)
        for words, gold in zip(WORDS, decoded("gold"))
    ]

    def contender(name: str, path: str, cuda_device: int, *options: Any, **more: Any) -> Any:
        found = decoded(name)
        return SimpleNamespace(
            name=name, archive=path, run=(runs or {}).get(name), structure=structure, reader=None,
            labels=sorted({label for each in found for label in each.labels} | {*always_known}),
            encoding=encoding, parameters=1000, size=2_500_000, words_per_second=1234.5,
            check=lambda sentences: None, knows=lambda sentence: True, packaged=lambda sentences: PACKAGED[name],
            decode=lambda sentences: found,
        )  # fmt: skip

    monkeypatch.setattr(comparison, "Contender", contender)
    monkeypatch.setattr(comparison, "read_labelled", lambda *arguments: (rows, 3))
    named = {name: f"{name}.tar.gz" for name in students}
    return comparison.compare("teacher.tar.gz", named, "data.txt", plain=plain)
