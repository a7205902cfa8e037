"""The page: all of a report in one file, without a script."""

from typing import Any, Dict, List, Sequence

from allennlp_kd.report.page.markup import (
    Markup,
    bytes_of,
    element,
    escaped,
    figure,
    joined,
    percent,
    times,
)
from allennlp_kd.report.page.sections import agreement, calibration, cost, method, scores, sentences
from allennlp_kd.report.page.stylesheet import STYLESHEET
from allennlp_kd.report.plots.figures import NAMES
from allennlp_kd.report.plots.plot_style import Plot, colour

# The browser is told to load nothing, wherever it might come from.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(report: Dict[str, Any], plots: Sequence[Plot]) -> str:
    """
    # Parameters

    report : `Dict[str, Any]`
        As `compare` returns it.
    plots : `Sequence[Plot]`
        As `figures` returns them.

    # Returns

    `str`
        An HTML document.
    """
    drawn = {plot.name: figure(plot) for plot in plots}
    training = [each for name, each in drawn.items() if name.startswith("curve-")]
    sections = [
        ("scores", "Scores", scores(report, drawn)),
        ("agreement", "Where students deviate", agreement(report, drawn)),
        ("calibration", "Calibration", calibration(report, drawn)),
        ("cost", "Size and speed", cost(report, drawn)),
    ]
    if training:
        sections.append(("training", "Training", element("div", *training, class_="plots")))
    sections += [
        ("sentences", "Sentences that differ most", sentences(report)),
        ("method", "How this was measured", method(report)),
    ]
    links = [element("li", element("a", title, href=f"#{name}")) for name, title, _ in sections]
    data = report["data"]
    body = [
        element(
            "header",
            element("h1", "A teacher and its students, compared"),
            element(
                "p",
                f"{data['file']}: {data['sentences']:,} sentences, {data['words']:,} words",
                class_="soft",
            ),
            element("div", *_cards(report), class_="cards"),
            element("nav", element("ul", *links), aria_label="Sections"),
        ),
        element(
            "main",
            *(
                element("section", element("h2", title), content, id=name)
                for name, title, content in sections
            ),
        ),
        element("footer", element("p", _made(report["made"]), class_="soft")),
    ]
    head = (
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{escaped(POLICY)}">'
        f"<title>{escaped('Teacher and students: ' + data['file'])}</title>"
        f"<style>{STYLESHEET}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{joined(body)}</body></html>\n'


def _cards(report: Dict[str, Any]) -> List[Markup]:
    """What there is to know of each model at a glance."""
    teacher, metric = report["models"][0], report["metric"]
    cards = []
    for place, model in enumerate(report["models"]):
        rows: List[Any] = [(NAMES[metric], percent(model["scores"][metric], 2))]
        if model["role"] == "teacher":
            rows += [
                ("parameters", f"{model['parameters']:,}"),
                ("on disk", bytes_of(model["bytes"])),
                ("words/s", f"{model['words_per_second']:,.0f}"),
            ]
        else:
            gap = model["gap"]
            if gap["recovered"] is not None:
                points = percent(gap["points"], 2)
                text = f"{percent(gap['recovered'], 0)} % of {points} points"
                rows.append(("gap recovered", text))
            elif gap["points"] is not None and gap["points"] <= 0:
                rows.append(("gap recovered", "no gap"))
            same = percent(model["agreement"]["scores"].get("agreement"))
            rows += [
                ("agreement", f"{same} %"),
                ("smaller on disk", times(teacher["bytes"] / model["bytes"])),
                ("faster", times(model["words_per_second"] / teacher["words_per_second"])),
            ]
        role = "" if model["name"] == model["role"] else f" ({model['role']})"
        (first, value), *others = rows
        content = element("dt", first), element("dd", value, class_="main")
        items = [element("dt", name) + element("dd", text) for name, text in others]
        strip = "var(--ink)" if place == 0 else colour(place)
        cards.append(
            element(
                "div",
                element("h3", model["name"] + role, style=f"--model:{strip}"),
                element("dl", *content, *map(Markup, items)),
                class_="card",
            )
        )
    return cards


def _made(made: Dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    return f"Made at {made['at']} by allennlp kd-compare; Python {made['python']}, {versions}."
