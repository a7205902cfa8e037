"""The component that sets dependency trees."""

from functools import lru_cache
from typing import Any, Dict, Iterable, List, Sequence, Tuple

import numpy
from spacy.attrs import DEP, HEAD
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_bridge.components.student_pipe import StudentPipe, one_of
from spacy_bridge.components.units import Unit
from spacy_bridge.errors import BridgeError
from spacy_bridge.runtime.packaged_parser import ParsedSentence
from spacy_bridge.runtime.packaged_student import PackagedStudent

DEFAULT_CONFIG = {"without_sentences": "raise", "max_words": 250, "threads": 1}
ROOT, WHITESPACE = "ROOT", "dep"
"""spaCy's labels: of the root of a sentence, and of arcs to white space."""


class StudentParser(StudentPipe):
    """Sets `token.head` and `token.dep_`. Non-projective trees are kept as they are.

    The student's label `root`, in any case, becomes spaCy's `ROOT`. The head of a whitespace token
    is its left neighbor in the sentence; for the first token it is the sentence's first word. The
    parts of a sentence that was split because of its length become sentences.

    # Parameters

    without_sentences : `str`
        What to do with a doc without sentence boundaries. `raise`: raise an error. `one`: treat it
        as one sentence.
    """

    kind = "parser"

    def __init__(
        self, vocab: Vocab, name: str, without_sentences: str, max_words: int, threads: int
    ) -> None:
        super().__init__(vocab, name, max_words, threads, without_sentences=without_sentences)
        option = f"{name}: without_sentences"
        self.without_sentences = one_of(option, without_sentences, ("raise", "one"))

    def _by_sentence(self, doc: Doc) -> bool:
        if doc.has_annotation("SENT_START"):
            return True
        if self.without_sentences == "raise":
            raise BridgeError(
                f"the component '{self.name}' needs sentence boundaries, but the doc has none: add "
                "a component that sets them before it, such as 'sentencizer', or set its option "
                "without_sentences to 'one' to treat each doc as one sentence"
            )
        return False

    def _run(self, docs: Sequence[Doc], units: Sequence[List[Unit]]) -> List[Any]:
        attribute = self.student.tag_attribute
        if attribute is None:
            return super()._run(docs, units)
        tags: List[List[str]] = []
        for doc, of_doc in zip(docs, units):
            if any(unit.words for unit in of_doc) and not doc.has_annotation(attribute.upper()):
                raise BridgeError(
                    f"the component '{self.name}' reads token.{attribute}_, but the doc has none: "
                    "add a component that sets it before this one"
                )
            found = [getattr(token, f"{attribute}_") for token in doc]
            tags.extend([found[place] for place in unit.places] for unit in of_doc)
        return self.student([unit.words for of_doc in units for unit in of_doc], tags)

    def _labels_of(self, student: PackagedStudent) -> List[str]:
        return sorted({_label(label) for label in student.labels} | {ROOT, WHITESPACE})

    def _set(self, doc: Doc, results: List[Tuple[Unit, ParsedSentence]]) -> None:
        numbers = self._numbers
        # Initially, every token's head is its left neighbor.
        offsets = numpy.full(len(doc), -1, numpy.int64)
        labels = numpy.full(len(doc), numbers[WHITESPACE], numpy.uint64)
        for unit, tree in results:
            places = unit.places
            if not len(places):  # only white space
                offsets[unit.start], labels[unit.start] = 0, numbers[ROOT]
                continue
            leading = numpy.arange(unit.start, places[0])
            offsets[leading] = places[0] - leading
            heads = numpy.array(tree.heads)
            offsets[places] = numpy.where(heads == 0, 0, places[heads - 1] - places)
            labels[places] = [numbers[_label(label)] for label in tree.labels]
        values = numpy.stack([offsets.view(numpy.uint64), labels], axis=1)
        doc.from_array([HEAD, DEP], values)

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        kwargs.setdefault("getter", lambda token, attribute: _value(token, attribute))
        kwargs.setdefault("ignore_labels", ("p", "punct"))
        scores = Scorer.score_spans(examples, "sents", has_annotation=_has_sentences)
        scores.update(Scorer.score_deps(examples, "dep", **kwargs))
        del scores["sents_per_type"]
        return scores


@lru_cache(maxsize=1000)
def _label(label: str) -> str:
    return ROOT if label.lower() == "root" else label


def _value(token: Any, attribute: str) -> str:
    return token.vocab.strings.as_string(getattr(token, attribute))


def _has_sentences(doc: Doc) -> bool:
    return doc.has_annotation("SENT_START")


_DECLARED: Dict[str, Any] = {
    "assigns": ["token.dep", "token.head", "token.is_sent_start", "doc.sents"],
    "default_config": DEFAULT_CONFIG,
    "default_score_weights": {
        "dep_uas": 0.5, "dep_las": 0.5, "dep_las_per_type": None,
        "sents_p": None, "sents_r": None, "sents_f": 0.0,
    },
}  # fmt: skip


@Language.factory("kd_parser", requires=["token.is_sent_start"], **_DECLARED)
def make_parser(
    nlp: Language, name: str, without_sentences: str, max_words: int, threads: int
) -> StudentParser:
    """Sets `token.head` and `token.dep_`; see `StudentParser`."""
    return StudentParser(nlp.vocab, name, without_sentences, max_words, threads)


@Language.factory("kd_tag_parser", requires=["token.is_sent_start", "token.tag"], **_DECLARED)
def make_tag_parser(
    nlp: Language, name: str, without_sentences: str, max_words: int, threads: int
) -> StudentParser:
    """Like `kd_parser`, for a student that reads `token.tag_`."""
    return StudentParser(nlp.vocab, name, without_sentences, max_words, threads)


@Language.factory("kd_pos_parser", requires=["token.is_sent_start", "token.pos"], **_DECLARED)
def make_pos_parser(
    nlp: Language, name: str, without_sentences: str, max_words: int, threads: int
) -> StudentParser:
    """Like `kd_parser`, for a student that reads `token.pos_`."""
    return StudentParser(nlp.vocab, name, without_sentences, max_words, threads)
