"""Plain-text tables, as the README and the terminal show them."""

from typing import List, Sequence


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded: List[str] = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:])]
        return "| " + " | ".join(padded) + " |"

    ruler = (
        "| "
        + " | ".join(
            "-" * widths[0] if column == 0 else "-" * (width - 1) + ":"
            for column, width in enumerate(widths)
        )
        + " |"
    )
    return "\n".join([line(header), ruler, *(line(row) for row in rows)])
