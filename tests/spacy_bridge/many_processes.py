"""Run by test_processes.py: answers once, then with two processes; exits with 0 if all answers are equal."""

import multiprocessing
import sys

import spacy

from spacy_bridge.components import chunker, entities, parser, tagger  # noqa: F401


def answers(docs: object) -> list:
    return [(doc.text, doc.to_bytes()) for doc in docs]


def main(folder: str, method: str) -> int:
    multiprocessing.set_start_method(method)
    nlp = spacy.load(folder)
    texts = [f"The fox number {number} jumps. It is lazy !" for number in range(20)] + ["", " "]
    before = answers(nlp.pipe(texts))
    assert answers(nlp.pipe(texts, n_process=2, batch_size=3)) == before
    assert answers(nlp.pipe(texts)) == before  # the parent's sessions are as they were
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
