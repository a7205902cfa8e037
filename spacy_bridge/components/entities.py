"""The component that sets named entities."""

from typing import Any, Dict, Iterable, List, Tuple

from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_bridge.components.span_pipe import SpanPipe
from spacy_bridge.components.student_pipe import one_of
from spacy_bridge.components.units import Unit

DEFAULT_CONFIG = {"existing": "keep", "max_words": 500, "threads": 1}
POLICIES = ("keep", "override", "replace")


class StudentEntities(SpanPipe):
    """Sets `doc.ents` from a student's tags.

    # Parameters

    existing : `str`
        What happens to entities that the doc has already. `keep`: they stay, and of the student's those
        that do not overlap with them are added. `override`: the student's win where they overlap.
        `replace`: all that were there are dropped.
    """

    def __init__(
        self, vocab: Vocab, name: str, existing: str, max_words: int, threads: int
    ) -> None:
        super().__init__(vocab, name, max_words, threads, existing=existing)
        self.existing = one_of(f"{name}: existing", existing, POLICIES)

    def _set(self, doc: Doc, results: List[Tuple[Unit, Any]]) -> None:
        first, second = self._spans(doc, results), list(doc.ents)
        if self.existing == "replace":
            second = []
        elif self.existing == "keep":
            first, second = second, first
        taken = {place for span in first for place in range(span.start, span.end)}
        spans = first + [span for span in second if taken.isdisjoint(range(span.start, span.end))]
        doc.set_ents(sorted(spans, key=lambda span: span.start))

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        return get_ner_prf(examples)


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
