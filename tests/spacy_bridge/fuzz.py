"""Any text at all: nothing crashes, no token is lost, and the company of other docs changes nothing.

python -m tests.spacy_bridge.fuzz --docs 10000
"""

import argparse
import random
import sys
import time
import warnings
from typing import Any, NamedTuple, Optional, Sequence

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
        text = "".join(random_.choice(["\U0001f600", "\t", "x ", "\ud7ff"]) for _ in range(99))
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
        [(span.start, span.end, span.label_) for span in doc.spans["chunks"]],
    )


class Counts(NamedTuple):
    """What was annotated. Of `others` of the docs the annotation alone is another than in company."""

    docs: int
    tokens: int
    longest: int
    others: int


def check(nlp: Any, count: int, longest: int, seed: int) -> Counts:
    """Annotates docs together and each alone, and looks at what came of it.

    # Raises

    AssertionError
        If a text or token is lost, or an annotation is missing.
    """
    shapes = random.Random(seed)
    originals = [some_doc(nlp, shapes, longest) for _ in range(count)]
    texts = [(doc.text, [token.text for token in doc]) for doc in originals]
    copies = [doc.copy() for doc in originals]
    others = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        together = list(nlp.pipe(originals, batch_size=64))
        assert [(doc.text, [token.text for token in doc]) for doc in together] == texts
        for doc, copy in zip(together, copies):
            others += annotation(nlp(copy)) != annotation(doc)
            if len(doc):
                assert doc.has_annotation("DEP", require_complete=True)
                assert doc.has_annotation("TAG", require_complete=True)
                for token in doc:
                    assert token.sent == token.head.sent
    lengths = [len(doc) for doc in together]
    return Counts(count, sum(lengths), max(lengths), others)


def two_processes(nlp: Any, count: int, seed: int) -> int:
    """The number of texts that two processes annotate otherwise than one."""
    shapes = random.Random(seed)
    texts = [some_text(shapes) for _ in range(count)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = [annotation(doc) for doc in nlp.pipe(texts)]
        two = [annotation(doc) for doc in nlp.pipe(texts, n_process=2, batch_size=50)]
    assert [text for text, *_ in one] == texts == [text for text, *_ in two]
    return sum(left != right for left, right in zip(one, two))


def seconds_per_token(nlp: Any, tokens: int) -> float:
    """Of one doc that is one line of so many tokens."""
    doc = Doc(nlp.vocab, words=["word", "x", "The", "\n"] * (tokens // 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = time.perf_counter()
        nlp(doc)
    return (time.perf_counter() - started) / len(doc)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Prints what was counted; 0 if nothing differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.spacy_bridge.fuzz", description=__doc__)
    parser.add_argument("--docs", type=int, default=10000)
    parser.add_argument("--longest", type=int, default=50000, help="tokens")
    parser.add_argument("--seed", type=int, default=100)
    parsed = parser.parse_args(arguments)
    nlp = pipeline()
    total = Counts(0, 0, 0, 0)
    while total.docs < parsed.docs:
        count = min(1000, parsed.docs - total.docs)
        found = check(nlp, count, parsed.longest, parsed.seed + total.docs)
        total = Counts(
            total.docs + found.docs,
            total.tokens + found.tokens,
            max(total.longest, found.longest),
            total.others + found.others,
        )
        print(f"{total}", flush=True)
    others = two_processes(nlp, parsed.docs, parsed.seed)
    print(f"two processes: {parsed.docs} texts, {others} annotated otherwise than by one")
    for tokens in (500, 5000, 50000):
        print(f"one line of {tokens} tokens: {1e6 * seconds_per_token(nlp, tokens):.0f} us a token")
    return int(total.others + others > 0)


if __name__ == "__main__":
    sys.exit(main())
