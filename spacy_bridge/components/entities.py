"""The component that sets named entities in `doc.ents`."""

from typing import Any, Dict, Iterable, List, Sequence, Tuple

import numpy
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_bridge.components.span_pipe import SpanPipe
from spacy_bridge.components.student_pipe import one_of
from spacy_bridge.components.units import Unit

DEFAULT_CONFIG = {"existing": "keep", "max_words": 500, "threads": 1}
POLICIES = ("keep", "override", "replace")
BEGIN = 3
"""spaCy's `ent_iob` for an entity's first token, and for a blocked token, which has no type."""


class StudentEntities(SpanPipe):
    """Sets `doc.ents` from a student's tags.

    # Parameters

    existing : `str`
        What to do with existing entities of a doc. `keep`: they stay, and only those of the
        student's entities are added that do not overlap with them. `override`: where they overlap,
        the student's entities replace them. `replace`: all of them are removed. Tokens blocked by
        `doc.set_ents(blocked=...)` count as existing entities.
    """

    def __init__(
        self, vocab: Vocab, name: str, existing: str, max_words: int, threads: int
    ) -> None:
        super().__init__(vocab, name, max_words, threads, existing=existing)
        self.existing = one_of(f"{name}: existing", existing, POLICIES)

    def _set(self, doc: Doc, results: List[Tuple[Unit, Any]]) -> None:
        spans, there, barred = self._spans(doc, results), list(doc.ents), _blocked(doc)
        if self.existing == "replace":
            barred = []
        elif self.existing == "keep":
            spans = there + _apart(spans, there + barred)
        else:
            barred = _apart(barred, spans)
            spans = spans + _apart(there, spans)
        doc.set_ents(sorted(spans, key=lambda span: span.start), blocked=barred)

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        return get_ner_prf(examples)


def _apart(spans: Sequence[Span], others: Sequence[Span]) -> List[Span]:
    """Returns the spans that overlap with no other span."""
    taken = {place for span in others for place in range(span.start, span.end)}
    return [span for span in spans if taken.isdisjoint(range(span.start, span.end))]


def _blocked(doc: Doc) -> List[Span]:
    """Marks the tokens that are blocked for entities."""
    # Shape: (tokens, 2)
    values = doc.to_array([ENT_IOB, ENT_TYPE])
    places = numpy.flatnonzero((values[:, 0] == BEGIN) & (values[:, 1] == 0))
    return [Span(doc, place, place + 1) for place in places.tolist()]


@Language.factory(
    "kd_ner",
    assigns=["doc.ents", "token.ent_type", "token.ent_iob"],
    default_config=DEFAULT_CONFIG,
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_entities(
    nlp: Language, name: str, existing: str, max_words: int, threads: int
) -> StudentEntities:
    """Sets `doc.ents`; see `StudentEntities`."""
    return StudentEntities(nlp.vocab, name, existing, max_words, threads)
