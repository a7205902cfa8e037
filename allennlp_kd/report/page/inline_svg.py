"""Embeds a plot's SVG in the page."""

import re
from typing import NamedTuple

from markupsafe import Markup, escape

from allennlp_kd.report.plots.plot_style import INK, Plot


class InlinePlot(NamedTuple):
    """A plot on the page: `svg` is safe markup, the other fields are plain text."""

    name: str
    title: str
    caption: str
    svg: Markup


def inline_plot(plot: Plot) -> InlinePlot:
    """Returns a plot's SVG with the page's text color and with ids unique to the plot."""
    svg = re.sub(r"^.*?(?=<svg)|<!--.*?-->|<metadata>.*?</metadata>", "", plot.svg, flags=re.DOTALL)
    svg = svg.replace(INK, "currentColor")
    svg = re.sub(r'\bid="', f'id="{plot.name}-', svg)
    svg = re.sub(r'(url\(|href=")#', rf"\g<1>#{plot.name}-", svg)
    width = re.search(r'<svg[^>]*? width="([\d.]+)pt"', svg).group(1)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    label = escape(f"{plot.title}. {plot.caption}")
    style = f"--width:{float(width):.0f}pt"
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}" style="{style}"', 1)
    return InlinePlot(plot.name, plot.title, plot.caption, Markup(svg))
