"""Renders the report as one HTML file without scripts."""

from typing import Any, Dict, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from allennlp_kd.report.page import tables
from allennlp_kd.report.page.cards import cards
from allennlp_kd.report.page.drawings import drawings
from allennlp_kd.report.page.inline_svg import inline_plot
from allennlp_kd.report.plots.plot_style import Plot


def page(report: Dict[str, Any], plots: Sequence[Plot]) -> str:
    """
    # Parameters

    report : `Dict[str, Any]`
        As `compare` returns it.
    plots : `Sequence[Plot]`
        As `figures` returns them.

    # Returns

    `str`
        An HTML document. Everything that the report holds is escaped.
    """
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    labels = [row["label"] for row in report["models"][0]["by_label"]]
    return environment.get_template("page.html.jinja").render(
        report=report,
        students=report["models"][1:],
        cards=cards(report),
        plots={plot.name: inline_plot(plot) for plot in plots},
        tables=tables,
        drawings=lambda sentence, name: drawings(sentence, name, report["encoding"], labels),
    )
