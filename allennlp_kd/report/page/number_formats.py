"""Formats the numbers of the page."""

from typing import Optional


def percent(share: Optional[float], digits: int = 1) -> str:
    """Formats a share as a percentage without the sign; a dash for `None`."""
    return "–" if share is None else f"{100 * share:.{digits}f}".replace("-", "−")


def count(number: Optional[float]) -> str:
    """Formats a number without decimals; a dash for `None`."""
    return "–" if number is None else f"{number:,.0f}"


def file_size(number: Optional[int]) -> str:
    """Formats a number of bytes in kB, MB or GB; a dash for `None`."""
    if number is None:
        return "–"
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e3:.1f} kB"


def times(ratio: float) -> str:
    """Formats a ratio as a factor."""
    return f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"
