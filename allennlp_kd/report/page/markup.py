"""Pieces of HTML. What they are given is escaped here, but for what is a `Markup`."""

import html
import re
from typing import Any, Iterable, Optional, Sequence

from allennlp_kd.report.plots.plot_style import INK, Plot


class Markup(str):
    """Text that is HTML already."""


def escaped(value: Any) -> Markup:
    return value if isinstance(value, Markup) else Markup(html.escape(str(value)))


def element(tag: str, *content: Any, **attributes: Any) -> Markup:
    """An element; `class_` is the attribute `class`, `aria_label` is `aria-label`."""
    names = {name: name.rstrip("_").replace("_", "-") for name in attributes}
    given = "".join(
        f' {names[name]}="{html.escape(str(value))}"' for name, value in attributes.items()
    )
    return Markup(f"<{tag}{given}>{joined(content)}</{tag}>")


def joined(parts: Iterable[Any]) -> Markup:
    return Markup("".join(escaped(part) for part in parts))


def table(
    caption: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], text_columns: int = 1
) -> Markup:
    """A table that scrolls sideways where it is too wide.

    # Parameters

    caption : `str`
    columns : `Sequence[str]`
        Their headings.
    rows : `Sequence[Sequence[Any]]`
        The first cell of each is its heading.
    text_columns : `int`, optional (default = `1`)
        How many columns, from the left, are no numbers.
    """

    def cell(tag: str, place: int, value: Any, **attributes: str) -> Markup:
        if place >= text_columns:
            attributes["class_"] = "n"
        return element(tag, value, **attributes)

    head = joined(cell("th", place, name, scope="col") for place, name in enumerate(columns))
    body = joined(
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(cell("td", place, value) for place, value in enumerate(row[1:], start=1)),
        )
        for row in rows
    )
    content = element("caption", caption), element("thead", element("tr", head))
    return scrolling(element("table", *content, element("tbody", body)), caption)


def scrolling(content: Markup, label: str) -> Markup:
    """What may be wider than the page; the keyboard can scroll it too."""
    return element("div", content, class_="scroll", tabindex="0", role="region", aria_label=label)


def figure(plot: Plot) -> Markup:
    """A plot within the page: its ink is the page's, its ids are its own."""
    svg = re.sub(r"^.*?(?=<svg)|<!--.*?-->|<metadata>.*?</metadata>", "", plot.svg, flags=re.DOTALL)
    svg = svg.replace(INK, "currentColor")
    svg = re.sub(r'\bid="', f'id="{plot.name}-', svg)
    svg = re.sub(r'(url\(|href=")#', rf"\g<1>#{plot.name}-", svg)
    width = re.search(r'<svg[^>]*? width="([\d.]+)pt"', svg).group(1)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    label = html.escape(f"{plot.title}. {plot.caption}")
    style = f"--width:{float(width):.0f}pt"
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}" style="{style}"', 1)
    caption = element("figcaption", element("strong", plot.title), " ", plot.caption)
    return element("figure", scrolling(Markup(svg), plot.title), caption, id=f"plot-{plot.name}")


def percent(share: Optional[float], digits: int = 1) -> str:
    """Without the sign; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.{digits}f}".replace("-", "−")


def bytes_of(number: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e3:.1f} kB"


def times(ratio: float) -> str:
    return f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"
