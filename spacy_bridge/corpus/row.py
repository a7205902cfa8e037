"""A row of a corpus: one sentence."""

from typing import NamedTuple, Optional, Tuple


class Row(NamedTuple):
    """A sentence, either as text or as words.

    # Parameters

    text : `str`, optional
        Not yet in words.
    words : `Tuple[str, ...]`, optional
    upos, xpos : `Tuple[str, ...]`, optional
        Universal and a treebank's own part-of-speech tags, where the corpus has them.
    """

    text: Optional[str] = None
    words: Optional[Tuple[str, ...]] = None
    upos: Optional[Tuple[str, ...]] = None
    xpos: Optional[Tuple[str, ...]] = None
