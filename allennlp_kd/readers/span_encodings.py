"""Encodings of spans in tags: BIO, IOB1, BIOUL (also written BIOES) and BMES."""

from typing import Dict, List, Sequence, Tuple

LETTERS: Dict[str, Tuple[str, str, str, str]] = {
    "BIO": ("B", "I", "I", "B"),
    "BIOUL": ("B", "I", "L", "U"),
    "BMES": ("B", "M", "E", "S"),
}
"""The prefixes of the first, an inner, the last and the only word of a span."""
FIRST, LAST = "BUS", "LEUS"  # that always open a span, and that always close it
OUTSIDE = "O"


def recoded(tags: Sequence[str], encoding: str) -> List[str]:
    """The same spans in another encoding.

    A span begins at a prefix that opens one, and at any other prefix without a span of its type before
    it. So BIO, IOB1, BIOUL, BIOES and BMES are all read alike.

    # Parameters

    tags : `Sequence[str]`
        Each `O`, or a prefix, `-` and a type.
    encoding : `str`
        One of `LETTERS`.

    # Raises

    ValueError
        If a tag is none of these.
    """
    spans: List[Tuple[str, int, int]] = []
    before = ""  # the type of the span that may go on
    for word, tag in enumerate(tags):
        if tag == OUTSIDE:
            before = ""
            continue
        prefix, dash, kind = tag.partition("-")
        if not dash or not kind or prefix not in tuple("BIULMES"):
            raise ValueError(
                f"a tag must be O, or one of B, I, L, U, M, E, S with - and a type; found '{tag}'"
            )
        if prefix in FIRST or kind != before:
            spans.append((kind, word, word))
        else:
            spans[-1] = (kind, spans[-1][1], word)
        before = "" if prefix in LAST else kind
    first, inner, last, only = LETTERS[encoding]
    found = [OUTSIDE] * len(tags)
    for kind, start, end in spans:
        for word in range(start, end + 1):
            prefix = inner if start < word < end else first if word == start else last
            found[word] = f"{only if start == end else prefix}-{kind}"
    return found
