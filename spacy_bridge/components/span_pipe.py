"""Base class of the components that set spans."""

from typing import Any, List, Tuple

from spacy.tokens import Doc, Span

from spacy_bridge.components.student_pipe import StudentPipe
from spacy_bridge.components.units import Unit
from spacy_bridge.errors import PackageError
from spacy_bridge.runtime.decoding.spans import spans_of
from spacy_bridge.runtime.packaged_student import PackagedStudent

UNNAMED = "SPAN"
"""The label of a span whose tags have only a prefix."""


class SpanPipe(StudentPipe):
    """A component that converts a tagger's tags to spans."""

    def _check(self, student: PackagedStudent) -> None:
        if student.encoding is None:  # type: ignore[attr-defined]
            raise PackageError(
                f"the component '{self.name}' sets spans, but its student has no span encoding: "
                "package it with an encoding, one of BIO, IOB1, BIOUL, BMES"
            )
        try:
            self._labels_of(student)
        except ValueError as error:
            raise PackageError(
                f"the component '{self.name}' cannot read its student's tags: {error}"
            ) from error

    def _labels_of(self, student: PackagedStudent) -> List[str]:
        encoding = student.encoding  # type: ignore[attr-defined]
        tags = [label for label in student.labels if not label.startswith("@@")]
        return sorted({span.label or UNNAMED for tag in tags for span in spans_of([tag], encoding)})

    def _spans(self, doc: Doc, results: List[Tuple[Unit, Any]]) -> List[Span]:
        encoding = self.student.encoding  # type: ignore[attr-defined]
        return [
            Span(
                doc,
                int(unit.places[span.start]),
                int(unit.places[span.end - 1]) + 1,
                label=span.label or UNNAMED,
            )
            for unit, tags in results
            for span in spans_of(tags, encoding)
        ]
