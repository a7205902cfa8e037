"""The component that sets sentence boundaries."""

from typing import Any, Dict, Iterable, List

import numpy
from spacy.attrs import IS_SPACE, ORTH, SENT_START
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_bridge.components.long_sentences import LongSentences
from spacy_bridge.components.student_pipe import Prediction, StudentPipe
from spacy_bridge.components.units import Unit
from spacy_bridge.errors import BridgeError, PackageError
from spacy_bridge.runtime.packaged_student import PackagedStudent

START, INSIDE = "S", "I"
DEFAULT_CONFIG = {
    "overwrite": False, "blank_lines": True, "max_words": 128, "context": 16, "threads": 1
}  # fmt: skip


class StudentSenter(StudentPipe):
    """Sets sentence boundaries from a student with the tags `S` (starts a sentence) and `I` (does
    not).

    The student reads overlapping windows of a document. Whitespace belongs to the sentence before
    it.

    # Parameters

    overwrite : `bool`
        Whether existing boundaries of a doc are replaced.
    blank_lines : `bool`
        Whether a blank line always ends a sentence.
    max_words : `int`
        The number of words in a window.
    context : `int`
        The number of words at each end of a window that are only read as context; they are decided
        in the adjacent window.
    """

    def __init__(
        self,
        vocab: Vocab,
        name: str,
        overwrite: bool,
        blank_lines: bool,
        max_words: int,
        context: int,
        threads: int,
    ) -> None:
        options = {"overwrite": overwrite, "blank_lines": blank_lines, "context": context}
        super().__init__(vocab, name, max_words, threads, **options)
        if not 0 <= context < max_words / 2:
            raise BridgeError(
                f"{name}: context must be at least 0 and less than half of max_words = {max_words}, "
                f"found {context}"
            )
        self.overwrite = overwrite
        self.blank_lines = blank_lines
        self.context = context

    def _check(self, student: PackagedStudent) -> None:
        if set(student.labels) != {START, INSIDE}:
            raise PackageError(
                f"the component '{self.name}' needs a student with the tags {START} and {INSIDE}, "
                f"which the reader sentence_starts makes, found {', '.join(student.labels[:10])}"
            )

    def _units(self, doc: Doc, long: LongSentences) -> List[Unit]:
        """Splits a doc into windows of `max_words` words that overlap by `2 * context` words."""
        # Shape: (tokens, 2)
        values = doc.to_array([IS_SPACE, ORTH])
        (places,) = (values[:, 0] == 0).nonzero()
        strings = doc.vocab.strings
        # Faster than `token.text`, which creates a token.
        texts = [strings[number] for number in values[places, 1].tolist()]
        step = self.max_words - 2 * self.context
        units: List[Unit] = []
        for first in range(0, max(1, len(places) - 2 * self.context), step):
            window = places[first : first + self.max_words]
            if len(window):
                words = texts[first : first + self.max_words]
                units.append(Unit(int(window[0]), int(window[-1]) + 1, window, words))
        return units

    def _set(self, doc: Doc, results: Prediction) -> None:
        if not len(doc):
            return
        starts = numpy.full(len(doc), -1, numpy.int64)
        # The words that each window decides.
        decided = [numpy.zeros(0, numpy.int64)]
        for number, (unit, tags) in enumerate(results):
            first = self.context if number else 0
            last = len(tags) - (self.context if number + 1 < len(results) else 0)
            places = unit.places[first:last]
            starts[places[[tag == START for tag in tags[first:last]]]] = 1
            decided.append(places)
        words = numpy.concatenate(decided)
        if self.blank_lines and len(words) < len(doc):
            starts[_after_blank_lines(doc, words)] = 1
        if len(words):
            starts[words[0]] = -1  # it belongs to the same sentence as the white space before it
        starts[0] = 1
        if not self.overwrite:
            there = doc.to_array(SENT_START).astype(numpy.int64)
            starts = numpy.where(there == 0, starts, there)
        doc.from_array([SENT_START], starts.view(numpy.uint64).reshape(-1, 1))

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        scores = Scorer.score_spans(
            examples, "sents", has_annotation=lambda doc: doc.has_annotation("SENT_START")
        )
        del scores["sents_per_type"]
        return scores


def _after_blank_lines(doc: Doc, words: numpy.ndarray) -> List[int]:
    """Returns the words that follow a blank line in the text."""
    if not len(words):
        return []
    before = numpy.concatenate([[-1], words[:-1]])
    return [
        int(words[gap])
        for gap in numpy.flatnonzero(words - before > 1)
        if doc[int(before[gap]) + 1 : int(words[gap])].text_with_ws.count("\n") > 1
    ]


@Language.factory(
    "kd_senter",
    assigns=["token.is_sent_start"],
    default_config=DEFAULT_CONFIG,
    default_score_weights={"sents_f": 1.0, "sents_p": 0.0, "sents_r": 0.0},
)
def make_senter(
    nlp: Language,
    name: str,
    overwrite: bool,
    blank_lines: bool,
    max_words: int,
    context: int,
    threads: int,
) -> StudentSenter:
    """Sets sentence boundaries; see `StudentSenter`."""
    return StudentSenter(nlp.vocab, name, overwrite, blank_lines, max_words, context, threads)
