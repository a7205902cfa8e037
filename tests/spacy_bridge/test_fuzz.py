"""Any text at all: nothing crashes, no token is lost, and the company of other docs changes nothing."""
import random
import warnings
from typing import Any, Iterator, List

import pytest
from spacy.tokens import Doc

from tests.spacy_bridge.pipelines import pipeline

ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz ABC.,!?-'\"0123456789",
    "".join(map(chr, range(1, 32))) + "\x7f\x80\x85\x9f",
    "😀🏳️‍🌈👩‍👩‍👧‍👦🇩🇪❤️🤷🏽‍♀️",
    "אבגדה العربية \u200f\u200e\u202e\u2066",
    "\u200b\u200c\u200d\ufeff\u2060\u00ad",
    " \t\n\r\u00a0\u2003\u2028\u2029\u3000",
    "日本語中文한국어ไทย",
    "e\u0301a\u0300\u0323\u0489İıſßŒ",
    "\ufffd\uffff\U0010ffff\ue000\x00",
]


def some_text(random_: random.Random) -> str:
    length = random_.choice([0, 1, 2, 5, 20, 60, 150])
    alphabets = random_.sample(ALPHABETS, random_.randint(1, 3))
    return "".join(random_.choice(random_.choice(alphabets)) for _ in range(length))


def some_doc(nlp: Any, random_: random.Random, longest: int) -> Doc:
    kind = random_.random()
    if kind < 0.7:
        return nlp.make_doc(some_text(random_))
    if kind < 0.75:
        text = "".join(random_.choice(["\U0001F600", "\t", "x ", "\ud7ff"]) for _ in range(99))
        return nlp.make_doc(text)
    if kind < 0.755:
        return Doc(nlp.vocab, words=["word", ".", "\n", "z"] * (longest // 4))
    length = random_.randint(0, 12)
    words = [some_text(random_)[:9] or "x" for _ in range(length)]
    return Doc(nlp.vocab, words=words, spaces=[random_.random() < 0.5 for _ in range(length)])


def annotation(doc: Doc) -> Any:
    return (
        doc.text,
        [(token.head.i, token.dep_, token.tag_, token.sent_start) for token in doc],
        [(span.start, span.end, span.label_) for span in doc.ents],
        [(span.start, span.end, span.label_) for span in doc.spans["chunks"]] if len(doc) else [],
    )




def check(count: int, longest: int, seed: int) -> None:
    nlp = pipeline()
    shapes = random.Random(seed)
    originals = [some_doc(nlp, shapes, longest) for _ in range(count)]
    texts = [(doc.text, [token.text for token in doc]) for doc in originals]
    copies = [doc.copy() for doc in originals]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        together = list(nlp.pipe(originals, batch_size=64))
        assert [(doc.text, [token.text for token in doc]) for doc in together] == texts
        for doc, copy in zip(together, copies):
            assert annotation(nlp(copy)) == annotation(doc)
            if len(doc):
                assert doc.has_annotation("DEP", require_complete=True)
                assert doc.has_annotation("TAG", require_complete=True)
                for token in doc:
                    assert token.sent == token.head.sent
                list(doc.noun_chunks if doc.lang_ == "xx" else doc.sents)


def test_fuzz() -> None:
    check(250, longest=2000, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_fuzz_of_ten_thousand(seed: int) -> None:
    check(1000, longest=50000, seed=100 + seed)


@pytest.mark.slow
def test_fuzz_with_two_processes() -> None:
    nlp = pipeline()
    shapes = random.Random(5)
    texts = [some_text(shapes) for _ in range(1000)]
    one = [annotation(doc) for doc in nlp.pipe(texts)]
    two = [annotation(doc) for doc in nlp.pipe(texts, n_process=2, batch_size=50)]
    assert one == two
