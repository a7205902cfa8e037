"""The style of plots, and saving them as files."""

import io
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Iterator, List, NamedTuple, Optional

INK = "#222222"
GRID = "#88888855"
# Okabe and Ito's colors, which color-blind readers can distinguish; the teacher uses the text
# color.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
SHORT = 20  # letters of a name
SETTINGS = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "svg.fonttype": "none",  # keeps text as text
    "text.color": INK,
    "text.parse_math": False,  # `$` is a tag
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}
METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


class Plot(NamedTuple):
    """
    # Parameters

    name : `str`
        Of its files, without the ending.
    title : `str`
    caption : `str`
        How to read it.
    svg : `str`
    png : `bytes`
    """

    name: str
    title: str
    caption: str
    svg: str
    png: bytes


def require_matplotlib() -> None:
    """
    # Raises

    ImportError
        If it is not installed; the message says how to.
    """
    if find_spec("matplotlib") is None:
        raise ImportError(
            "the plots of a report need matplotlib: install it with `pip install 'allennlp-kd[report]'`"
        )


def short(name: str, most: int = SHORT) -> str:
    """Shortens a name to fit beside a line."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def colour(index: int) -> str:
    """Returns the color of the model at this index; the first is the teacher."""
    return INK if index == 0 else PALETTE[(index - 1) % len(PALETTE)]


def marker(index: int) -> str:
    """Like `color`, for the marker, so that color is not the only difference between models."""
    return MARKERS[index % len(MARKERS)]


@contextmanager
def styled() -> Iterator[None]:
    """A context in which figures are made and saved in one style."""
    import matplotlib

    with matplotlib.rc_context(SETTINGS):
        yield


def axes(width: float, height: float) -> Any:
    """Creates the axes of a new figure; the size is in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height)).subplots()


def saved(ax: Any, name: str, title: str, caption: str) -> Plot:
    """Saves the plot as an SVG without background and as a PNG on white."""
    import matplotlib

    svg, png = io.BytesIO(), io.BytesIO()
    options = {"bbox_inches": "tight", "pad_inches": 0.06}
    with matplotlib.rc_context({"svg.hashsalt": name}):
        ax.figure.savefig(svg, format="svg", transparent=True, metadata=METADATA, **options)
    ax.figure.savefig(png, format="png", dpi=200, facecolor="white", **options)
    return Plot(name, title, caption, svg.getvalue().decode("utf-8"), png.getvalue())


def apart(places: List[float], least: float) -> List[float]:
    """Moves positions as little as possible so that neighbors are `least` apart, in the same order."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    groups: List[List[Any]] = []  # the middle and the members of each group, in order
    for index in order:
        groups.append([places[index], [index]])
        while len(groups) > 1 and _overlap(groups[-2], groups[-1], least):
            middle, members = groups.pop()
            before, those = groups[-1]
            total = len(those) + len(members)
            groups[-1] = [(before * len(those) + middle * len(members)) / total, those + members]
    moved: List[Optional[float]] = [None] * len(places)
    for middle, members in groups:
        for place, index in enumerate(members):
            moved[index] = middle + (place - (len(members) - 1) / 2) * least
    return moved  # type: ignore[return-value]


def _overlap(before: List[Any], after: List[Any], least: float) -> bool:
    reach = (len(before[1]) + len(after[1])) / 2 * least
    return after[0] - before[0] < reach - 1e-12
