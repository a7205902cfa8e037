"""Text between markers, `<!-- table NAME -->` and `<!-- end of table -->`."""

import re
from typing import Mapping

MARKER = "<!-- table "
_MARKED = re.compile(r"(<!-- table (?P<name>\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def filled(text: str, tables: Mapping[str, str], where: str) -> str:
    """The text with each table between its markers.

    # Raises

    ValueError
        If a marker names a table that there is not, or there is no marker.
    """

    def table(match: "re.Match[str]") -> str:
        if match["name"] not in tables:
            known = ", ".join(sorted(tables))
            raise ValueError(f"{where}: expected one of the tables {known}, found {match['name']}")
        return f"{match[1]}\n{tables[match['name']].strip()}\n\n{match[3]}"

    found, count = _MARKED.subn(table, text)
    if count == 0 or text.count(MARKER) != count:
        raise ValueError(f"{where}: expected tables between markers, found {count} whole ones")
    return found
