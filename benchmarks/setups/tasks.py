"""The tasks that students are compared on: their corpora, their teachers, and one score for all contenders."""

import os
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy

from benchmarks.command import NoData
from spacy_bridge.runtime.decoding.spans import spans_of
from spacy_bridge.runtime.packaged_parser import ParsedSentence

PUNCTUATION = {"`", "''", ":", ",", ".", "PU", "PUNCT", "SYM"}
"""Universal tags of words that stock's attachment scores leave out."""
ROOT = "root"


class Example(NamedTuple):
    """A sentence and its gold annotation.

    # Parameters

    words : `List[str]`
    tags : `List[str]`
        The tags of the task; of a treebank, those of the language's own.
    universal : `List[str]`, optional
        A treebank's universal tags.
    parse : `ParsedSentence`, optional
    """

    words: List[str]
    tags: List[str]
    universal: Optional[List[str]] = None
    parse: Optional[ParsedSentence] = None


class Task(NamedTuple):
    """A task.

    # Parameters

    component : `str`
        Of a packaged student: `parser`, `tagger`, `chunker` or `ner`.
    score : `str`
        What its accuracy is called.
    files : `Dict[str, str]`
        The paths of `train`, `dev` and `test` in the folder of the data.
    teacher : `str`, optional
        The name of the teacher's archive.
    """

    component: str
    score: str
    files: Dict[str, str]
    teacher: Optional[str] = None

    def path(self, split: str) -> Path:
        """The file of a split.

        # Raises

        NoData
            If `$ALLENNLP_KD_DATA` is not set, or holds no such file.
        """
        root = os.environ.get("ALLENNLP_KD_DATA")
        if not root:
            raise NoData("set ALLENNLP_KD_DATA to the folder of the corpora")
        path = Path(root) / self.files[split]
        if not path.is_file():
            raise NoData(f"{path} does not exist")
        return path

    @property
    def spans(self) -> bool:
        """Whether its tags are spans in BIO."""
        return self.component in ("chunker", "ner")


EWT = {split: f"ud_english_ewt/{split}.conllu" for split in ("train", "dev", "test")}
TASKS: Dict[str, Task] = {
    "parsing": Task("parser", "LAS", EWT, "parser-ewt-minilm6"),
    "part_of_speech": Task("tagger", "accuracy", EWT, "pos-ewt-minilm6"),
    "chunking": Task(
        "chunker",
        "F1",
        {
            "train": "conll2000/train-first-7936.txt",
            "dev": "conll2000/dev-last-1000.txt",
            "test": "conll2000/test.txt",
        },
        "chunk-conll2000-minilm6",
    ),
    "named_entities": Task(
        "ner",
        "F1",
        {split: f"wnut17/four-columns/{split}.txt" for split in ("train", "dev", "test")},
        "ner-wnut17-minilm6",
    ),
}


def examples(path: Path) -> List[Example]:
    """The sentences of a file in CoNLL-U, or in columns with the word first and the tag last."""
    blocks: List[List[List[str]]] = [[]]
    treebank = path.suffix == ".conllu"
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.strip():
                blocks.append([])
            elif not treebank:
                blocks[-1].append(line.split())
            elif line.split("\t", 1)[0].isdigit():
                blocks[-1].append(line.rstrip("\n").split("\t"))
    return [_example(rows, treebank) for rows in blocks if rows]


def _example(rows: List[List[str]], treebank: bool) -> Example:
    columns = list(zip(*rows))
    if not treebank:
        return Example(list(columns[0]), list(columns[-1]))
    parse = ParsedSentence([int(head) for head in columns[6]], list(columns[7]))
    return Example(list(columns[1]), list(columns[4]), list(columns[3]), parse)


def counts(task: Task, found: Sequence[Any], gold: Sequence[Example]) -> numpy.ndarray:
    """How much of each sentence is right, how much was predicted, and how much there is.

    # Parameters

    task : `Task`
    found : `Sequence[Any]`
        A list of tags or a `ParsedSentence` for each sentence.
    gold : `Sequence[Example]`

    # Returns

    `numpy.ndarray`
        Shape `(sentences, 3)`. Spans of chunking and named entities; words of the others, those of a
        parser without punctuation, right where head and label are.
    """
    rows = []
    for answer, example in zip(found, gold):
        if task.spans:
            ours, theirs = (set(spans_of(tags, "BIO")) for tags in (answer, example.tags))
            rows.append([len(ours & theirs), len(ours), len(theirs)])
            continue
        pairs = zip(answer, example.tags)
        if task.component == "parser":
            arcs = zip(zip(*answer), zip(*example.parse), example.universal)
            pairs = ((one, other) for one, other, tag in arcs if tag not in PUNCTUATION)
        right = [one == other for one, other in pairs]
        rows.append([sum(right), len(right), len(right)])
    return numpy.array(rows, dtype=numpy.int64)
