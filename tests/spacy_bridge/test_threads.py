"""Threads: of a web server that asks one pipeline at once, and of ONNX Runtime."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Sequence

import numpy
import pytest

from spacy_bridge import load_student
from spacy_bridge.runtime.words.sources import WordTable
from tests.spacy_bridge.pipelines import packaged


class Slow:
    """A word's vector is its first letter and its length; while it is made, others come in between."""

    size = 2

    def __call__(self, words: Sequence[str]) -> numpy.ndarray:
        time.sleep(0.001)
        return numpy.array([[ord(word[0]), len(word)] for word in words], numpy.float32)


@pytest.mark.parametrize("capacity", [3, 20000])
def test_words_of_several_threads_are_not_mixed_up(capacity: int) -> None:
    table = WordTable({"words": Slow()}, capacity=capacity)

    def ask(thread: int) -> bool:
        pairs = [[chr(97 + thread) * length for length in (n, n + 1)] for n in range(1, 40)]
        return all(
            table(pair).tolist() == [[97 + thread, len(word)] for word in pair] for pair in pairs
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [True] * 4


def test_a_word_table_in_use_at_a_fork_is_free_in_the_child(monkeypatch: Any) -> None:
    table = WordTable({"words": Slow()})
    assert table(["a"]).tolist() == [[97, 1]]
    (lock,) = table._locks.values()
    answers = []
    with lock:  # another thread of the parent
        monkeypatch.setattr(os, "getpid", lambda: -1)
        child = threading.Thread(target=lambda: answers.append(table(["bb"]).tolist()), daemon=True)
        child.start()
        child.join(10)
    assert answers == [[[98, 2]]]


def test_a_student_runs_with_its_component_s_threads() -> None:
    nlp = load_student(packaged("tagger"), "tagger", threads=3)
    load_student(packaged("tagger"), "ner", nlp=nlp)
    for name, threads in (("tagger", 3), ("ner", 1)):
        assert nlp.get_pipe(name).student._network.threads == threads
    shared = nlp.get_pipe("ner").student
    nlp.get_pipe("tagger").use(shared)
    assert nlp.get_pipe("tagger").student._network.threads == 3
    assert shared._network.threads == 1
    assert nlp.get_pipe("tagger").student([["The", "fox"]]) == shared([["The", "fox"]])
