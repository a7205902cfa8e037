"""What is read of a sentence."""

from typing import NamedTuple, Optional, Tuple


class Row(NamedTuple):
    """Either the text or the words of a sentence.

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
