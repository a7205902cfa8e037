"""Converts tags to spans: BIO, IOB1, BIOUL and BMES."""

from typing import List, NamedTuple, Sequence

ENCODINGS = ("BIO", "IOB1", "BIOUL", "BMES")


class LabelledSpan(NamedTuple):
    """A labeled span: words `start` (inclusive) to `end` (exclusive)."""

    start: int
    end: int
    label: str


# The meaning of each prefix in terms of BIOUL. IOB1 uses B only where it is needed.
_READINGS = {
    "BIO": {"B": "B", "I": "I"},
    "IOB1": {"B": "B", "I": "I"},
    "BIOUL": {"B": "B", "I": "I", "L": "L", "U": "U"},
    "BMES": {"B": "B", "M": "I", "E": "L", "S": "U"},
}


def spans_of(tags: Sequence[str], encoding: str) -> List[LabelledSpan]:
    """Returns the spans that tags encode. No span is lost if the tags violate their encoding.

    An inside or last tag without a beginning of its own label begins a span; a span that is never
    closed ends before the next tag which does not continue it. Where the rules are kept, this is what
    AllenNLP's `bio_tags_to_spans` and its sisters give.

    # Raises

    ValueError
        If the encoding is unknown, or a tag has no prefix of it.
    """
    if encoding not in _READINGS:
        raise ValueError(f"encoding must be one of {', '.join(ENCODINGS)}, found {encoding!r}")
    readings = _READINGS[encoding]
    spans: List[LabelledSpan] = []
    start, label = -1, ""
    for place, tag in enumerate(tags):
        what = "O" if tag == "O" else readings.get(tag[:1])
        if what is None or (what != "O" and tag[1:2] not in ("", "-")):
            raise ValueError(f"{tag!r} is not a tag of {encoding}")
        own = tag[2:]
        if start >= 0 and (what in "OBU" or own != label):
            spans.append(LabelledSpan(start, place, label))
            start = -1
        if what != "O" and start < 0:
            start, label = place, own
        if start >= 0 and what in "LU":
            spans.append(LabelledSpan(start, place + 1, label))
            start = -1
    if start >= 0:
        spans.append(LabelledSpan(start, len(tags), label))
    return spans
