"""The cards at the top of the page, one for each model."""

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from allennlp_kd.report.page.number_formats import count, file_size, percent, times
from allennlp_kd.report.plots.figures import NAMES
from allennlp_kd.report.plots.plot_style import colour


class Card(NamedTuple):
    """A model's title, its CSS color, and rows of a name and a value, the most important one first."""

    title: str
    colour: str
    rows: Sequence[Tuple[str, str]]


def cards(report: Dict[str, Any]) -> List[Card]:
    """Returns a card for the teacher, then one for each student."""
    teacher, metric = report["models"][0], report["metric"]
    found = []
    for place, model in enumerate(report["models"]):
        rows = [(NAMES[metric], percent(model["scores"][metric], 2))]
        if model["role"] == "teacher":
            # A teacher without a network has none of these.
            if model["parameters"] is not None:
                rows += [
                    ("parameters", count(model["parameters"])),
                    ("on disk", file_size(model["bytes"])),
                    ("words/s", count(model["words_per_second"])),
                ]
        else:
            gap = model["gap"]
            if gap["recovered"] is not None:
                text = f"{percent(gap['recovered'], 0)} % of {percent(gap['points'], 2)} points"
                rows.append(("gap recovered", text))
            elif gap["points"] is not None and gap["points"] <= 0:
                rows.append(("gap recovered", "no gap"))
            same = percent(model["agreement"]["scores"].get("agreement"))
            rows.append(("agreement", f"{same} %"))
            if teacher["parameters"] is not None:
                rows += [
                    ("smaller on disk", times(teacher["bytes"] / model["bytes"])),
                    ("faster", times(model["words_per_second"] / teacher["words_per_second"])),
                ]
            served = model.get("packaged", {}).get("int8")
            if served is not None:
                text = f"{served['words_per_second']:,.0f} words/s, {file_size(served['bytes'])}"
                rows.append(("packaged, int8", text))
        role = "" if model["name"] == model["role"] else f" ({model['role']})"
        strip = "var(--ink)" if place == 0 else colour(place)
        found.append(Card(model["name"] + role, strip, rows))
    return found
