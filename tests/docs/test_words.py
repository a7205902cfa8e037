"""Paraphrases and spellings that the prose of this project avoids; the term says it better."""

import ast
import re
from pathlib import Path
from typing import Iterator, Tuple

import pytest

from tests.docs.blocks import PAGES, ROOT, name_of

AVOIDED = {
    r"which is what\b": "a relative clause without a noun before it",
    r"\bso many\b": "'this many', or the number",
    r"\bin the place of\b": "'instead of'",
    r"\bwhat is left of\b": "'the rest of'",
    r"\beach on its own\b": "'separately'",
    r"\bprogramme\b": "'dynamic programming'",
    r"\b\w+(?:maliz|timiz|domiz|toriz)?(?:malis|timis|domis|toris|kenis|antis)(?:e|es|ed|ing|ation|er)\b": "-ize",
    r"\b(?:behaviour|neighbour|favour|artefact)": "American spelling",
}
ALLOWED = re.compile(r"\S*factorisation\.md\S*")


def proses() -> Iterator[Tuple[str, str]]:
    """Every page, and every docstring of the packages, with its place."""
    for page in PAGES:
        yield name_of(page), page.read_text(encoding="utf-8")
    for package in ("allennlp_kd", "spacy_bridge"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                    text = ast.get_docstring(node)
                    if text:
                        yield f"{path.relative_to(ROOT)}: {getattr(node, 'name', 'module')}", text


def faults(text: str) -> Iterator[str]:
    """What is avoided in a text, and what to write instead."""
    for pattern, advice in AVOIDED.items():
        for match in re.finditer(pattern, ALLOWED.sub("", text), re.IGNORECASE):
            yield f"'{match.group()}': {advice}"


def test_prose_says_it_in_the_field_s_words() -> None:
    found = [f"{place}: {fault}" for place, text in proses() for fault in faults(text)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["the first so many layers", "a dynamic programme", "is normalised", "in the place of it"],
)
def test_a_paraphrase_is_found(text: str) -> None:
    assert list(faults(text))


def test_pages_are_there() -> None:
    assert len(PAGES) > 20 and all(isinstance(page, Path) for page in PAGES)
