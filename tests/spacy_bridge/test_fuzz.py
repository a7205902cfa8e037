"""A short form of `python -m tests.spacy_bridge.fuzz`, which takes 10,000 docs."""

from typing import Any

import pytest

from tests.spacy_bridge import fuzz
from tests.spacy_bridge.pipelines import pipeline


def test_any_text() -> None:
    found = fuzz.check(pipeline(), 250, longest=2000, seed=1)
    assert found.docs == 250 and found.longest >= 50 and found.others == 0


@pytest.mark.slow
def test_any_text_in_numbers_and_with_two_processes(capsys: Any) -> None:
    assert fuzz.main(["--docs", "600", "--longest", "20000", "--seed", "103"]) == 0
    said = capsys.readouterr().out
    assert "docs=600" in said and "longest=20000" in said
    assert "two processes: 600 texts, 0 annotated otherwise than by one" in said


def test_differences_are_counted(capsys: Any, monkeypatch: Any) -> None:
    answers = iter(range(10**6))
    monkeypatch.setattr(fuzz, "annotation", lambda doc: (doc.text, next(answers)))
    monkeypatch.setattr(fuzz, "seconds_per_token", lambda nlp, tokens: 1e-6)
    assert fuzz.main(["--docs", "20", "--longest", "100"]) == 1
    said = capsys.readouterr().out
    assert "others=20" in said and "20 texts, 20 annotated otherwise" in said
