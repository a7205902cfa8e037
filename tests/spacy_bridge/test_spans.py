"""Spans from tags, against AllenNLP's readings and against their own encoding."""

import random
from typing import List

import pytest
from allennlp.data.dataset_readers.dataset_utils import span_utils

from spacy_bridge.runtime.decoding.spans import ENCODINGS, LabelledSpan, spans_of


def encoded(spans: List[LabelledSpan], length: int, encoding: str) -> List[str]:
    """The tags of spans, by the definition of the encoding."""
    tags = ["O"] * length
    for number, span in enumerate(spans):
        inside = list(range(span.start, span.end))
        if encoding == "BIO":
            prefixes = "B" + "I" * (len(inside) - 1)
        elif encoding == "IOB1":
            before = spans[number - 1] if number else None
            touches = before is not None and before.end == span.start and before.label == span.label
            prefixes = ("B" if touches else "I") + "I" * (len(inside) - 1)
        elif len(inside) == 1:
            prefixes = "U" if encoding == "BIOUL" else "S"
        else:
            first, middle, last = "BIL" if encoding == "BIOUL" else "BME"
            prefixes = first + middle * (len(inside) - 2) + last
        for place, prefix in zip(inside, prefixes):
            tags[place] = f"{prefix}-{span.label}"
    return tags


def some_spans(random_: random.Random, length: int, gaps: bool) -> List[LabelledSpan]:
    spans, place = [], 0
    while place < length:
        end = random_.randint(place + 1, min(length, place + 4))
        if not gaps or random_.random() < 0.7:
            spans.append(LabelledSpan(place, end, random_.choice(["PER", "X-Y", "LOC"])))
        place = end
    return spans


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_encoded_is_read(encoding: str) -> None:
    random_ = random.Random(1)
    for _ in range(300):
        length = random_.randint(0, 12)
        spans = some_spans(random_, length, gaps=encoding != "BMES")
        assert spans_of(encoded(spans, length, encoding), encoding) == spans


@pytest.mark.parametrize(
    "encoding, read",
    [
        ("BIO", span_utils.bio_tags_to_spans),
        ("BIOUL", span_utils.bioul_tags_to_spans),
        ("IOB1", span_utils.iob1_tags_to_spans),
        ("BMES", span_utils.bmes_tags_to_spans),
    ],
)
def test_allennlp_reads_the_same(encoding: str, read: object) -> None:
    random_ = random.Random(2)
    for _ in range(200):
        length = random_.randint(1, 12)
        tags = encoded(some_spans(random_, length, gaps=encoding != "BMES"), length, encoding)
        theirs = [(start, end + 1, label) for label, (start, end) in read(tags)]  # type: ignore
        assert sorted(theirs) == [tuple(span) for span in spans_of(tags, encoding)]


@pytest.mark.parametrize(
    "tags, encoding, expected",
    [
        ("I-A I-A O I-B", "BIO", "0-2A 3-4B"),
        ("B-A I-B", "BIO", "0-1A 1-2B"),
        ("B-A I-A B-B I-A", "BIOUL", "0-2A 2-3B 3-4A"),
        ("L-A L-A", "BIOUL", "0-1A 1-2A"),
        ("B-A O", "BIOUL", "0-1A"),
        ("U-A I-A", "BIOUL", "0-1A 1-2A"),
        ("B S", "BMES", "0-1 1-2"),
        ("", "BIO", ""),
    ],
)
def test_no_span_is_lost_where_rules_are_broken(tags: str, encoding: str, expected: str) -> None:
    found = " ".join(
        f"{start}-{end}{label}" for start, end, label in spans_of(tags.split(), encoding)
    )
    assert found == expected


def test_what_is_no_tag() -> None:
    for tags, encoding, message in (
        (["B-A"], "BILOU", "encoding must be one of BIO, IOB1, BIOUL, BMES, found 'BILOU'"),
        (["S-A"], "BIO", "'S-A' is not a tag of BIO"),
        (["NOUN"], "BIO", "'NOUN' is not a tag of BIO"),
        (["BAD"], "BIO", "'BAD' is not a tag of BIO"),
        ([""], "BIO", "'' is not a tag of BIO"),
    ):
        with pytest.raises(ValueError, match=message):
            spans_of(tags, encoding)
