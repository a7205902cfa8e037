"""The sections of this project's docstrings: `# Parameters`, `# Returns`, `# Raises`."""

import inspect
import re
from typing import Dict, List, NamedTuple, Optional

SECTIONS = ("Parameters", "Returns", "Raises")
_HEADING = re.compile(rf"^# ({'|'.join(SECTIONS)})\n", re.MULTILINE)
_ENTRY = re.compile(r"^(?P<names>\w+(, \w+)*)( : (?P<kind>.+))?$")


class Entry(NamedTuple):
    """One parameter, or several that are described together.

    # Parameters

    names : `List[str]`
    kind : `str`
        Its type, without what the docstring says of its default.
    default : `str`, optional
        As the docstring has it.
    text : `str`
    """

    names: List[str]
    kind: str
    default: Optional[str]
    text: str


def description(docstring: Optional[str]) -> str:
    """What stands above the sections."""
    text = inspect.cleandoc(docstring or "")
    return _HEADING.split(text, maxsplit=1)[0].strip()


def parameters(docstring: Optional[str]) -> List[Entry]:
    """The entries under `# Parameters`."""
    text = inspect.cleandoc(docstring or "")
    parts = _HEADING.split(text)
    found = dict(zip(parts[1::2], parts[2::2])).get("Parameters", "")
    entries: List[Entry] = []
    body: List[str] = []
    for line in found.splitlines():
        heading = _ENTRY.match(line)
        if heading is None:
            body.append(line.strip())
            continue
        _finish(entries, body)
        kind, default = _kind(heading["kind"] or "")
        entries.append(Entry(heading["names"].split(", "), kind, default, ""))
        body = []
    _finish(entries, body)
    return entries


def as_numpydoc(docstring: str) -> str:
    """The same in the form that Griffe knows: underlined headings, types without backticks."""
    text = inspect.cleandoc(docstring)

    def underlined(match: "re.Match[str]") -> str:
        return f"{match[1]}\n{'-' * len(match[1])}\n"

    lines = []
    for line in re.sub(
        _HEADING.pattern + r"\n?", underlined, text, flags=re.MULTILINE
    ).splitlines():
        heading = _ENTRY.match(line)
        if heading is not None and "`" in (heading["kind"] or ""):
            kind, default = _kind(heading["kind"])
            line = f"{heading['names']} : {kind}" + (f", default: {default}" if default else "")
        lines.append(line)
    return "\n".join(lines)


def by_name(docstring: Optional[str]) -> Dict[str, Entry]:
    """The entries by the names of their parameters."""
    return {name: entry for entry in parameters(docstring) for name in entry.names}


def _kind(text: str) -> "tuple[str, Optional[str]]":
    kind, _, rest = text.partition(", optional")
    if not rest and not text.endswith(", optional"):
        return text.replace("`", ""), None
    default = re.search(r"\(default = (.+)\)", rest)
    return kind.replace("`", ""), default[1].replace("`", "") if default else "None"


def _finish(entries: List[Entry], body: List[str]) -> None:
    if entries:
        entries[-1] = entries[-1]._replace(text=" ".join(line for line in body if line))
