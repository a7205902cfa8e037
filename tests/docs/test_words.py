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
    r"\bin the place of\b|\btakes? the place of\b": "'instead of', 'replaces'",
    r"\bwhat is left of\b": "'the rest of'",
    r"\beach on its own\b": "'separately'",
    r"\bprogramme\b": "'dynamic programming'",
    r"\b\w+(?:maliz|timiz|domiz|toriz)?(?:malis|timis|domis|toris|kenis|antis)(?:e|es|ed|ing|ation|er)\b": "-ize",
    r"\b(?:behaviour|neighbour|favour|artefact|learnt|spelt|whilst)": "American spelling",
    r"(?:^|[.:;] )(?-i:Of) (?!course\b)": "'for', 'in', or the subject first",
    r"\bof (?:no )?use\b": "'has no effect', 'needs', 'cannot be combined with'",
    r"\b(?:un)?labelled\b|\bcolour|\bcentre[ds]?\b|\bcentring\b": "American spelling",
    r"\bstock's\b": "'AllenNLP's'",
    r"\bthe hub\b": "'the Hugging Face Hub'",
    r"(?<!there\s)\b(?:is|are) no (?!longer\b|more\b)[a-z]": "'is not a'",
    r"\ban? \w+ an? (?:line|word|sentence|token|process|worker|row|doc|file|core)\b": "'per', 'for each'",
    r"\b(?:there already|already there)\b|\b(?:is|are|was|were) there\b": "'exists'",
    r"\bthere (?:is|are) twice\b|\bis there twice\b": "'occurs twice'",
    r"\banew\b|\bgo(?:es)? on (?:from|after|with)\b": "'again', 'continues'",
    r"\b(?:can|could|to) be had\b": "'can be computed', 'is available'",
    r"\b(?:out|in)side of\b": "'outside', 'inside'",
    r"\bcut (?:off|up)\b|\bcut into words\b": "'truncated', 'split', 'tokenized'",
    r"\btold (?:apart|from)\b|\btells? \w+ (?:apart|from)\b": "'distinguish'",
    r"\bsay (?:['`]|_(?!\w))|\b(?:say|take) (?:--?\w|match|dtype)": "'set', 'use', 'give'",
    r"(?<!you )\bwants?\b": "'needs'",
    r"\bdemand(?:s|ed)\b": "'requires'",
    r"\bmend(?:s|ed)?\b": "'fix'",
    r"\b(?:falling|rising) order\b|\bwhole numbers?\b": "'descending order', 'integers'",
    r"\bthe ones? of\b": "the noun",
    r"\b(?:alone|beside)\b": "'only', 'besides', 'in addition to'",
    r"\bhold (?:NaN|an? )": "'contain'",
}
"""In pages, docstrings and errors: patterns of phrases to avoid, and the advice on each."""

RIDDLE = re.compile(r"^(?:What|How|Which|Where|Whatever|Those|That|As)\b")
"""A first line must name the thing or say what it does."""

CODE = re.compile(
    r"^ *```.*?^ *```$|<!-- table .*?<!-- end of table -->|<!--.*?-->|^ *[\w, ]+ : (?=`)"
    r"|`[^`\n]*`|\"\w+\"|\]\([^)\s]*\)|\S*factorisation\.md\S*",
    re.DOTALL | re.MULTILINE,
)
"""Text that is not prose: code, generated tables, the names of parameters, the addresses of links."""

ALLOWED = re.compile(
    r"files? beside (?:it|them)|beside a line|alone or inside|gold alone|spaCy alone"
)
"""Good uses of words that are avoided otherwise."""

GENERATED = ("configuration.md",)
"""Pages made from docstrings."""


def pages() -> Iterator[Tuple[str, str]]:
    """Yields the prose of every page with the page's name."""
    for page in PAGES:
        if page.name not in GENERATED:
            yield name_of(page), page.read_text(encoding="utf-8")


def modules() -> Iterator[Tuple[str, ast.Module]]:
    """Yields the syntax trees of the packages' modules with their paths."""
    for package in ("allennlp_kd", "spacy_bridge"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def docstrings(tree: ast.Module) -> Iterator[Tuple[str, str]]:
    """Yields the names and the docstrings of a module, its classes and its functions."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "name", "module"), text


def errors(tree: ast.Module) -> Iterator[Tuple[str, str]]:
    """Yields the places and the texts of error messages, with `_` for each value in them."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Raise):
            continue
        parts = {
            id(part)
            for each in ast.walk(node)
            if isinstance(each, ast.JoinedStr)
            for part in each.values
        }
        for each in ast.walk(node):
            if isinstance(each, ast.JoinedStr):
                texts = [str(v.value) if isinstance(v, ast.Constant) else "_" for v in each.values]
                yield f"line {each.lineno}", "".join(texts)
            elif (
                isinstance(each, ast.Constant)
                and isinstance(each.value, str)
                and id(each) not in parts
            ):
                yield f"line {each.lineno}", each.value


def faults(text: str) -> Iterator[str]:
    """Yields the phrases of a text that are avoided, and what to write instead."""
    prose = ALLOWED.sub("", CODE.sub("_", text))
    for pattern, advice in AVOIDED.items():
        for match in re.finditer(pattern, prose, re.IGNORECASE | re.MULTILINE):
            around = " ".join(prose[max(0, match.start() - 30) : match.end() + 30].split())
            yield f"'{match.group()}' in '{around}': {advice}"


def riddles(text: str) -> Iterator[str]:
    """Yields the first paragraph of a docstring if it does not name a thing or an action."""
    first = text.split("\n\n")[0]
    if RIDDLE.match(first):
        yield f"'{first}': name the thing, or say what it does"


def test_pages_say_it_in_the_field_s_words() -> None:
    assert [f"{place}: {fault}" for place, text in pages() for fault in faults(text)] == []


def test_docstrings_say_it_in_the_field_s_words() -> None:
    found = []
    for path, tree in modules():
        for name, text in docstrings(tree):
            found += [f"{path}: {name}: {fault}" for fault in (*faults(text), *riddles(text))]
    assert found == []


def test_errors_say_it_in_the_field_s_words() -> None:
    found = []
    for path, tree in modules():
        for place, text in errors(tree):
            found += [f"{path}: {place}: {fault}" for fault in faults(text)]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "the first so many layers",
        "a dynamic programme",
        "is normalised",
        "in the place of it",
        "Of trees, several may get one name",
        "--encoding is of no use without a chunker",
        "text that is unlabelled",
        "stock's parser",
        "a checkpoint of the hub",
        "it is no archive",
        "a word a line",
        "the file is there already",
        "the run starts anew",
        "goes on from there",
        "it can be had from a store",
        "a file outside of the archive",
        "text is cut into words",
        "say `trust: true`",
        "a teacher wants tags",
        "must be in falling order",
        "the teacher alone",
        "the scores hold NaN",
    ],
)
def test_a_paraphrase_is_found(text: str) -> None:
    assert list(faults(text))


@pytest.mark.parametrize("text", ["What a teacher is told.", "How stock decodes.\n\nMore."])
def test_a_riddle_is_found(text: str) -> None:
    assert list(riddles(text))


def test_code_is_not_prose() -> None:
    assert not list(
        faults("set `labelled_fraction`\n```bash\n# of no use\n```\n[text](unlabelled.md)")
    )


def test_an_error_is_read_with_its_values() -> None:
    tree = ast.parse("raise ValueError(f'{path} is no file: ' 'say so')")
    assert [text for _, text in errors(tree)] == ["_ is no file: say so"]
    assert list(faults("_ is no file"))


def test_pages_are_there() -> None:
    assert len(PAGES) > 20 and all(isinstance(page, Path) for page in PAGES)
