"""Encodes a dependency tree as one tag per word, and decodes it."""

import re
from typing import List, Optional, Sequence, Tuple

_TAG = re.compile(r"(0|[+-][1-9][0-9]*)@(.+)", re.DOTALL)


def tags_of(heads: Sequence[int], labels: Sequence[str]) -> List[str]:
    """Returns `OFFSET@LABEL` for each word: the position of its head relative to it, and the arc's
    label.

    This is the relative encoding of Strzyz et al. ("Viable dependency parsing as sequence
    labeling", 2019);
    here the offset of ROOT is 0: `-1@det`, `+2@nsubj`, `0@root`.

    # Parameters

    heads : `Sequence[int]`
        Words from 1, 0 is ROOT.
    labels : `Sequence[str]`
    """
    words = enumerate(zip(heads, labels), start=1)
    return [f"{head - word:+d}@{label}" if head else f"0@{label}" for word, (head, label) in words]


def parse_tag(tag: str) -> Optional[Tuple[int, str]]:
    """Returns the offset and label of a tag; `None` if it is not such a tag."""
    found = _TAG.fullmatch(tag)
    return None if found is None else (int(found.group(1)), found.group(2))


def tree_of(tags: Sequence[str], root_label: str = "root") -> Tuple[List[int], List[str]]:
    """Builds the heads and labels of a tree with one word on ROOT from any tags.

    Where the tags make none, it is repaired: the first word that says that it hangs on ROOT does (the
    first word of all, where none does); other words that say so, and those whose head is outside
    the sentence, hang on that word; and of a cycle the first word does.

    # Parameters

    tags : `Sequence[str]`
    root_label : `str`, optional (default = `"root"`)
        Of a word that is made the root.

    # Raises

    ValueError
        If one is not such a tag.
    """
    heads, labels = [], []
    for word, tag in enumerate(tags, start=1):
        parsed = parse_tag(tag)
        if parsed is None:
            raise ValueError(f"expected a tag such as '-1@det' or '0@root', found '{tag}'")
        heads.append(word + parsed[0] if parsed[0] else 0)
        labels.append(parsed[1])
    if not heads:
        return [], []
    roots = [word for word, tag in enumerate(tags) if tag.startswith("0@")]
    root = roots[0] if roots else 0
    if not roots:
        labels[root] = root_label
    heads[root] = 0
    for word, head in enumerate(heads):
        if word != root and not 1 <= head <= len(heads):
            heads[word] = root + 1
    for word in range(len(heads)):
        seen, place = set(), word
        while place != root and place not in seen:
            seen.add(place)
            place = heads[place] - 1
        if (
            place != root
        ):  # a cycle; its first word is used, because earlier words reach the root already
            heads[min(_cycle(heads, place))] = root + 1
    return heads, labels


def _cycle(heads: Sequence[int], start: int) -> List[int]:
    found, place = [start], heads[start] - 1
    while place != start:
        found.append(place)
        place = heads[place] - 1
    return found
