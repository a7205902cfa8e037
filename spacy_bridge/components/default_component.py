"""Chooses the component that a student becomes if the user names none."""

from typing import Iterable, Optional

from spacy_bridge.components.senter import INSIDE, START

UNIVERSAL = {
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT",
    "SCONJ", "SYM", "VERB", "X",
}  # fmt: skip
"""The part-of-speech tags of Universal Dependencies."""
PHRASES = ("NP", "VP", "PP")
"""The span types that identify a chunker; other types are entities."""


def default_component(kind: str, labels: Iterable[str], encoding: Optional[str]) -> str:
    """Returns one of `FACTORIES`.

    # Parameters

    kind : `str`
        `tagger` or `parser`.
    labels : `Iterable[str]`
        The tags of a tagger.
    encoding : `str`, optional
        The encoding of spans in its tags.

    # Returns

    `str`
        `parser` for a parser. For a tagger: `senter` if its tags are `S` and `I`; `pos` if all are
        universal, otherwise `tagger`; for tags that encode spans, `chunker` or `ner`, by their types.
    """
    tags = set(labels)
    if kind == "parser":
        return "parser"
    if tags == {START, INSIDE}:
        return "senter"
    if not encoding:
        return "pos" if tags <= UNIVERSAL else "tagger"
    return "chunker" if any(tag[2:] in PHRASES for tag in tags) else "ner"
