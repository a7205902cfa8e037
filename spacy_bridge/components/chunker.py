"""The component that sets chunks in `doc.spans`."""

from typing import Any, Dict, Iterable, List, Tuple

from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_bridge.components.span_pipe import SpanPipe
from spacy_bridge.components.units import Unit

DEFAULT_CONFIG = {"spans_key": "chunks", "max_words": 500, "threads": 1}


class StudentChunker(SpanPipe):
    """Sets `doc.spans[spans_key]` from a student's tags.

    # Parameters

    spans_key : `str`
        The name of the span group; an existing group is replaced.
    """

    def __init__(
        self, vocab: Vocab, name: str, spans_key: str, max_words: int, threads: int
    ) -> None:
        super().__init__(vocab, name, max_words, threads, spans_key=spans_key)
        self.spans_key = spans_key

    def _set(self, doc: Doc, results: List[Tuple[Unit, Any]]) -> None:
        doc.spans[self.spans_key] = self._spans(doc, results)

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        key = self.spans_key
        return Scorer.score_spans(
            examples,
            f"spans_{key}",
            getter=lambda doc, _: doc.spans[key] if key in doc.spans else [],
            has_annotation=lambda doc: key in doc.spans,
            allow_overlap=True,
        )


@Language.factory(
    "kd_chunker",
    assigns=["doc.spans"],
    default_config=DEFAULT_CONFIG,
    default_score_weights={"spans_chunks_f": 1.0, "spans_chunks_p": 0.0, "spans_chunks_r": 0.0},
)
def make_chunker(
    nlp: Language, name: str, spans_key: str, max_words: int, threads: int
) -> StudentChunker:
    """Sets `doc.spans[spans_key]`; see `StudentChunker`."""
    return StudentChunker(nlp.vocab, name, spans_key, max_words, threads)
