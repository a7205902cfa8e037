"""Splits docs into the units that a student sees: sentences without white space, of limited length."""

from typing import Callable, Iterator, List, NamedTuple, Tuple

import numpy
from spacy.attrs import IS_PUNCT, IS_SPACE
from spacy.tokens import Doc


class Unit(NamedTuple):
    """A sentence, or a part of a sentence that is too long.

    # Parameters

    start, end : `int`
        Its tokens in the doc, including whitespace.
    places : `numpy.ndarray`
        The tokens of the doc that are words.
    words : `List[str]`
    """

    start: int
    end: int
    places: numpy.ndarray
    words: List[str]


def units_of(
    doc: Doc, max_words: int, by_sentence: bool, on_cut: Callable[[int], None]
) -> List[Unit]:
    """Splits a doc into sentences, and sentences of more than `max_words` words at punctuation.

    A unit that is only whitespace has no words.

    # Parameters

    doc : `Doc`
    max_words : `int`
    by_sentence : `bool`
        `False`: the doc is one sentence.
    on_cut : `Callable[[int], None]`
        Called with the number of words of each sentence that is split.
    """
    if not len(doc):
        return []
    texts = [token.text for token in doc]
    # Shape: (tokens, 2)
    flags = doc.to_array([IS_SPACE, IS_PUNCT]).astype(bool)
    has_space = flags[:, 0].any()
    units: List[Unit] = []
    for first, last in _sentences(doc) if by_sentence else [(0, len(doc))]:
        if has_space:
            places = first + numpy.flatnonzero(~flags[first:last, 0])
            words = [texts[place] for place in places.tolist()]
        else:  # Most docs have no whitespace tokens, and slicing is faster.
            places, words = numpy.arange(first, last), texts[first:last]
        if len(places) <= max_words:
            units.append(Unit(first, last, places, words))
            continue
        on_cut(len(places))
        units.extend(_cut(first, last, places, flags[:, 1], texts, max_words))
    return units


def _sentences(doc: Doc) -> Iterator[Tuple[int, int]]:
    return ((sentence.start, sentence.end) for sentence in doc.sents)


def _cut(
    first: int,
    last: int,
    places: numpy.ndarray,
    is_punctuation: numpy.ndarray,
    texts: List[str],
    max_words: int,
) -> Iterator[Unit]:
    """Splits a long sentence: each part ends with the last punctuation mark in its second half, or
    has the maximum length.
    """
    start = 0
    while start < len(places):
        end = min(start + max_words, len(places))
        if end < len(places):
            half = start + max_words // 2
            marks = numpy.flatnonzero(is_punctuation[places[half:end]])
            if len(marks):
                end = half + int(marks[-1]) + 1
        until = last if end == len(places) else int(places[end])
        yield Unit(first, until, places[start:end], [texts[place] for place in places[start:end]])
        first, start = until, end
