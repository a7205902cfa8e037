"""The texts that the code can print."""

import ast
import re
from typing import Iterator, List

from tests.docs.blocks import ROOT

VALUE = "\0"
"""Stands for a value in a text."""


def templates_of(source: str) -> Iterator[str]:
    """The string literals of Python code but docstrings; values of f-strings are `VALUE`."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values
            )


def all_templates() -> List[str]:
    """Those of both packages, and what the set-up prints."""
    found = []
    for package in ("allennlp_kd", "spacy_bridge"):
        for path in sorted((ROOT / package).rglob("*.py")):
            found += templates_of(path.read_text(encoding="utf-8"))
    shell = (ROOT / ".ci" / "find-python").read_text(encoding="utf-8")
    return [*found, *re.sub(r"\$\w+", VALUE, shell).splitlines()]


def can_be_printed(message: str, templates: List[str]) -> bool:
    """Whether a template has the parts between the `...` of a message, in their order."""
    parts = [re.escape(part.strip()) for part in message.split("...") if part.strip()]
    pattern = re.compile(".*".join(parts), re.DOTALL)
    return any(pattern.search(template) for template in templates)
