"""A teacher without scores: structures that any tool has annotated."""

from typing import Any, Dict, List, Optional, Union

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Instance
from overrides import overrides
from torch import Tensor

from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.fields.sentence_field import SentenceField
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.tree import FactoredLabels, TreePotentials
from allennlp_kd.teachers.annotation_files import (
    CONLLU_COLUMNS,
    TREE,
    Annotation,
    format_of,
    read_annotations,
)
from allennlp_kd.teachers.sentence_teacher import SentenceTeacher, digest_of
from allennlp_kd.teachers.teacher import Teacher

FORMATS = ("conllu", "columns", "jsonl")
MISSING = ("error", "skip")
IMPOSSIBLE = (
    -1e4
)  # log probability 0; finite, for a store and for factors, and representable in float16


class _Alternatives:
    """The structures of a sentence, with weights that sum to 1."""

    def __init__(self, annotations: List[Annotation]) -> None:
        total = sum(each.weight for each in annotations)
        self.weighted = [(each.weight / total, each) for each in annotations]


@Teacher.register("annotations")
class AnnotationsTeacher(SentenceTeacher):
    """Teaches structures that another tool has annotated, such as a web service, UDPipe or a
    language model.

    A sentence is found by its words. If it has one structure, the potentials are one-hot, with all
    of the probability on that structure. If it has several, each word's tag, or head and label, has
    the share of the weights of the structures that contain it, independently of other words. There
    are no scores to match, so objectives that compare scores are refused.

    # Parameters

    files : `Union[str, List[str]]`
        CoNLL-U (`.conllu`); JSON lines (`.jsonl`) with `words` and `tags`, or `words`, `heads`
        (counted from 1, 0 for ROOT) and `labels`; or columns, with a word and its tag per line and
        an empty line after each sentence, as the reader `column_tags` reads them. If a sentence
        occurs several times, it has several structures. The `weight` of a structure is a member of
        the JSON object or the CoNLL-U comment `# weight = 0.3`, by default 1.
    format : `str`, optional
        `conllu`, `columns` or `jsonl`; by default as the files' names say.
    column : `str`, optional
        For CoNLL-U `tree` (the default), `upos` or `xpos`; for columns the number of the tags' column,
        from 0, or negative from the end (the default is `-1`).
    missing : `str`, optional (default = `"error"`)
        `error`: a sentence without annotation is refused. `skip`: it has only the gold term.
    cuda_device : `int`, optional
        Where to score for a store, `-1` for the CPU. By default the current GPU, where there is
        one.

    # Raises

    ConfigurationError
        If an option is unknown; when first used, if a file is missing or malformed, or its structures
        are of several kinds; when data is read, if a sentence has no annotation.
    """

    has_scores = False

    def __init__(
        self,
        files: Union[str, List[str]],
        format: Optional[str] = None,
        column: Optional[str] = None,
        missing: str = "error",
        cuda_device: Optional[int] = None,
    ) -> None:
        super().__init__(cuda_device)
        self.files = [files] if isinstance(files, str) else list(files)
        if not self.files:
            raise ConfigurationError("annotations needs at least one file, found none")
        if format is not None and format not in FORMATS:
            raise ConfigurationError(
                f"format must be one of {', '.join(FORMATS)}, found '{format}'"
            )
        if missing not in MISSING:
            raise ConfigurationError(
                f"missing must be one of {', '.join(MISSING)}, found '{missing}'"
            )
        self._format = format
        self._column = None if column is None else str(column)
        self._missing = missing
        for path in self.files:
            self._check_column(path)
        self._read: Optional[Dict[Any, _Alternatives]] = None
        self._labels: List[str] = []
        self._structure = ""

    def _check_column(self, path: str) -> None:
        kind, column = self._format or format_of(path), self._column
        allowed = {
            "conllu": column in (None, TREE, *CONLLU_COLUMNS),
            "columns": column is None or column.removeprefix("-").isdecimal(),
            "jsonl": column is None,
        }
        if not allowed[kind]:
            expected = {"conllu": "tree, upos or xpos", "columns": "a number", "jsonl": "none"}
            raise ConfigurationError(
                f"column for {path} ({kind}) must be {expected[kind]}, found '{column}'"
            )

    @property
    @overrides
    def name(self) -> str:
        return f"the annotations in {', '.join(self.files)}"

    @property
    @overrides
    def structure(self) -> str:
        self._open()
        return self._structure

    @property
    @overrides
    def labels(self) -> List[str]:
        self._open()
        return list(self._labels)

    @property
    @overrides
    def fingerprint(self) -> str:
        return digest_of([self._format, self._column, "annotations"], self.files)

    @overrides
    def attach(self, instances: List[Instance]) -> None:
        for instance in instances:
            sentence = Sentence.of(instance)
            known = self.knows(sentence)
            if known:
                self._of(sentence)
            field = SentenceField(sentence, self.name) if known else None
            instance.add_field(self.FIELD, OptionalField(field))

    @overrides
    def knows(self, sentence: Sentence) -> bool:
        return self._missing == "error" or sentence.words in self._open()

    @overrides
    def decisions(self, potentials: Any) -> Dict[str, Tensor]:
        """Returns the annotation with the highest weight for each word."""
        if isinstance(potentials, ChainPotentials):
            return {"labels": potentials.emissions.argmax(dim=2)}
        # The factors of a word's labels are the same for all of its heads.
        labels = potentials.label_scores()[:, :, 0].argmax(dim=2)
        return {"heads": potentials.arcs.argmax(dim=2), "labels": labels}

    @overrides
    def score_on(self, sentences: List[Sentence], device: torch.device):
        found = [self._of(sentence) for sentence in sentences]
        lengths = torch.tensor([len(sentence.words) for sentence in sentences])
        length = int(lengths.max()) if len(sentences) else 0
        # Shape: (batch, length)
        mask = torch.arange(length) < lengths.unsqueeze(1)
        number = {label: index for index, label in enumerate(self.labels)}
        # Shape: (batch, length, labels)
        labels = torch.zeros(len(found), length, len(number), dtype=torch.float64)
        # Shape: (batch, length, length + 1)
        heads = torch.zeros(len(found), length, length + 1, dtype=torch.float64)
        for row, alternatives in enumerate(found):
            for weight, annotation in alternatives.weighted:
                for word, label in enumerate(annotation.labels):
                    labels[row, word, number[label]] += weight
                    if annotation.heads is not None:
                        heads[row, word, annotation.heads[word]] += weight
        labels = labels.log().clamp(min=IMPOSSIBLE).float().to(device)
        mask = mask.to(device)
        shared = self.shared(device)
        if self.structure == "chain":
            return ChainPotentials(labels, mask, **shared)
        ones = torch.ones(len(found), length + 1, 1, device=device)
        factors = FactoredLabels(ones, labels, **shared)
        heads = heads.log().clamp(min=IMPOSSIBLE).float().to(device)
        return TreePotentials(heads, mask, factors)

    @overrides
    def shared(self, device: torch.device) -> Dict[str, Tensor]:
        number = len(self.labels)
        if self.structure == "tree":
            weight = torch.eye(number, device=device).unsqueeze(1)
            return {"weight": weight, "bias": torch.zeros(number, device=device)}
        return {
            "transitions": torch.zeros(number, number, device=device),
            "start": torch.zeros(number, device=device),
            "end": torch.zeros(number, device=device),
        }

    def _of(self, sentence: Sentence) -> _Alternatives:
        found = self._open().get(sentence.words)
        if found is not None:
            return found
        joined = "".join(sentence.words)
        for words, other in self._open().items():
            if "".join(words) == joined:
                raise ConfigurationError(
                    f"{other.weighted[0][1].place} has the text of the sentence '{sentence}', but "
                    f"split into other words: '{' '.join(words)}'. Annotate the words that the "
                    "student reads"
                )
        raise ConfigurationError(
            f"{self.name} have no sentence '{sentence}'. Annotate it, or set `missing: \"skip\"` to "
            "use only the gold annotation for it"
        )

    def _open(self) -> Dict[Any, _Alternatives]:
        if self._read is None:
            by_words: Dict[Any, List[Annotation]] = {}
            labels: Dict[str, None] = {}
            structures: Dict[str, str] = {}
            for path in self.files:
                for each in read_annotations(path, self._format or format_of(path), self._column):
                    by_words.setdefault(each.words, []).append(each)
                    labels.update(dict.fromkeys(each.labels))
                    structures.setdefault("chain" if each.heads is None else "tree", each.place)
            if len(structures) != 1:
                found = ", ".join(f"a {kind} in {place}" for kind, place in structures.items())
                raise ConfigurationError(
                    f"{self.name} must contain either tags or trees, found {found or 'nothing'}"
                )
            self._structure, self._labels = next(iter(structures)), list(labels)
            self._read = {words: _Alternatives(found) for words, found in by_words.items()}
        return self._read
