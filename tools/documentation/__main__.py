"""`python -m tools.documentation`: write what of the documentation is generated.

With `--check` nothing is written: the status is 1 where a file is not what it would be.
"""

import argparse
import sys
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parents[2]


def generated() -> Dict[Path, str]:
    """The files that are generated, in whole or in part, as they should be."""
    from tools.documentation.commands import commands_page
    from tools.documentation.configuration import configuration_page
    from tools.documentation.marked import MARKER, filled
    from tools.documentation.result_tables import TABLES

    tables = {name: make() for name, make in TABLES.items()}
    docs = ROOT / "docs"
    found = {
        docs / "configuration.md": configuration_page(),
        docs / "commands.md": commands_page(),
    }
    readmes = (ROOT / "README.md", ROOT / "benchmarks" / "README.md")
    for path in (*readmes, *sorted(docs.rglob("*.md"))):
        text = path.read_text(encoding="utf-8")
        if path not in found and MARKER in text:
            found[path] = filled(text, tables, path.name)
    return found


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs the command; returns its status."""
    parser = argparse.ArgumentParser(prog="python -m tools.documentation", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args(arguments).check
    stale = 0
    for path, text in generated().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if check:
            print(f"{path.relative_to(ROOT)} is not what `{parser.prog}` makes", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
