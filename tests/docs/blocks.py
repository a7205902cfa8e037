"""The fenced blocks of the documentation."""

import re
from pathlib import Path
from typing import Dict, List, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
_FENCED = re.compile(
    r"^(?P<indent> *)```(?P<kind>[^\n]*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE
)


class Block(NamedTuple):
    """One fenced block.

    # Parameters

    where : `str`
        Page and line, for errors.
    kind : `str`
        What follows the fence: `bash`, `jsonnet`, ...
    text : `str`
    """

    where: str
    kind: str
    text: str


def blocks_of(page: Path) -> List[Block]:
    """In the order of the page."""
    content = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCED.finditer(content):
        line = content.count("\n", 0, match.start()) + 1
        text = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        found.append(Block(f"{name_of(page)}:{line}", match["kind"].strip(), text))
    return found


def unfenced(page: Path) -> List[str]:
    """Lines that Markdown shows as code although they stand in no fence: nobody would check them."""
    content = _FENCED.sub("", page.read_text(encoding="utf-8"))
    found = []
    previous, listed = "", False
    for line in content.splitlines():
        if line.strip() and not line.startswith(" "):
            listed = re.match(r"([-*]|\d+\.) ", line) is not None or (
                listed and bool(previous.strip())
            )
        if line.startswith("    ") and not previous.strip() and not listed:
            found.append(line)
        previous = line
    return found


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def by_page() -> Dict[str, List[Block]]:
    """All blocks, by the name of their page."""
    return {name_of(page): blocks_of(page) for page in PAGES}
