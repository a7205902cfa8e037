"""The kinds of plots in a report."""

from math import isfinite, sqrt
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from allennlp_kd.report.plots.plot_style import (
    GRID,
    INK,
    PALETTE,
    apart,
    axes,
    colour,
    marker,
    short,
)

WIDTH = 4.0  # inches: readable on a phone without much scaling
CELL = 0.34


class Series(NamedTuple):
    """
    # Parameters

    name : `str`
    model : `int`
        The place of the model, which has a color and a marker.
    values : `Sequence[Optional[float]]`
        `None` where there is none.
    dashed : `bool`
    """

    name: str
    model: int
    values: Sequence[Optional[float]]
    dashed: bool = False


def dots(rows: Sequence[str], series: Sequence[Series], label: str) -> Any:
    """Draws a line for each row, with a dot for each model on it."""
    ax = axes(WIDTH, 0.55 + 0.25 * len(rows))
    for row in range(len(rows)):
        values = [each.values[row] for each in series if each.values[row] is not None]
        if values:
            ax.plot([min(values), max(values)], [row, row], color=GRID, linewidth=3, zorder=1)
    for each in series:
        ax.plot(
            each.values,
            range(len(rows)),
            linestyle="none",
            marker=marker(each.model),
            color=colour(each.model),
            label=short(each.name),
            zorder=2,
        )
    ax.set_yticks(range(len(rows)), [short(row) for row in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(label)
    ax.grid(axis="y", visible=False)
    _legend(ax, len(series))
    return ax


def lines(
    places: Sequence[Any], series: Sequence[Series], xlabel: str, ylabel: str, height: float = 2.5
) -> Any:
    """Draws lines with their names at their ends. Positions are numbers, or names of categories."""
    ax = axes(WIDTH - 0.9, height)
    named = any(isinstance(place, str) for place in places)
    numbers = list(range(len(places))) if named else list(places)
    ends: List[Tuple[float, float, Series]] = []
    for each in series:
        known = [(x, y) for x, y in zip(numbers, each.values) if y is not None and isfinite(y)]
        if not known:
            continue
        ax.plot(
            [x for x, _ in known],
            [y for _, y in known],
            color=colour(each.model),
            linestyle="--" if each.dashed else "-",
            marker=marker(each.model),
        )
        ends.append((*known[-1], each))
    if named:
        ax.set_xticks(numbers, places)
    else:
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    _name_ends(ax, ends, height, max(numbers))
    return ax


def _name_ends(
    ax: Any, ends: Sequence[Tuple[float, float, Series]], height: float, x: float
) -> None:
    low, high = ax.get_ylim()
    span = high - low
    moved = apart([y for _, y, _ in ends], 0.17 / (height * 0.77) * span)
    for (_, y, each), place in zip(ends, moved):
        ax.annotate(
            short(each.name),
            (x, y),
            xytext=(1.04, (place - low) / span),
            textcoords="axes fraction",
            color=colour(each.model),
            va="center",
            annotation_clip=False,
        )


def reliability(series: Sequence[Series], bins: Sequence[Sequence[Dict[str, Any]]]) -> Any:
    """Plots accuracy over confidence; a calibrated model lies on the diagonal. Dots grow with
    words.
    """
    ax = axes(WIDTH - 0.4, WIDTH - 0.4)
    ax.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
    for each, rows in zip(series, bins):
        known = [row for row in rows if row["words"]]
        words = sum(row["words"] for row in known)
        x, y = ([row[name] for row in known] for name in ("confidence", "accuracy"))
        style = {"color": colour(each.model), "marker": marker(each.model)}
        ax.plot(x, y, color=style["color"], linewidth=1.2)
        ax.plot([], [], linestyle="none", label=each.name, **style)
        sizes = [12 + 120 * row["words"] / words for row in known]
        ax.scatter(x, y, s=sizes, alpha=0.8, zorder=2, clip_on=False, **style)
    ax.set_xlim(0, 1.02)
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("confidence")
    ax.set_ylabel("accuracy")
    ax.legend(loc="lower right", handletextpad=0.2, borderaxespad=0.2)
    return ax


def scatter(series: Sequence[Series], xlabel: str, ylabel: str) -> Any:
    """Plots a point for each model; `values` are its x (on a logarithmic scale) and y."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    ax = axes(WIDTH, 2.6)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(numticks=8))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    for each in series:
        ax.plot(*([value] for value in each.values), marker=marker(each.model),
                color=colour(each.model), markersize=8)  # fmt: skip
    low, high = min(s.values[0] for s in series), max(s.values[0] for s in series)
    ax.set_xlim(low / 2, high * 2)
    ax.margins(y=0.25)
    bottom, top = ax.get_ylim()
    moved = apart([each.values[1] for each in series], 0.07 * (top - bottom))
    middle = sqrt(low * high)
    for each, place in zip(series, moved):
        left = each.values[0] > middle
        ax.annotate(
            short(each.name), (each.values[0], place), xytext=(-9 if left else 9, 0),
            textcoords="offset points", ha="right" if left else "left", va="center",
            color=colour(each.model),
        )  # fmt: skip
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    return ax


def heat(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Any:
    """Plots the share of each column in a row's words: the same label in blue, others in orange.

    # Parameters

    labels : `Sequence[str]`
        Of rows and columns.
    counts : `Sequence[Sequence[int]]`
        Row by row.
    """
    from matplotlib.patches import Rectangle

    size = len(labels)
    ax = axes(1.2 + CELL * size, 0.9 + 0.26 * size)
    for row, numbers in enumerate(counts):
        total = sum(numbers)
        for column, number in enumerate(numbers):
            if not number:
                continue
            share = number / total
            fill = PALETTE[0] if row == column else PALETTE[1]
            strength = 0.08 + 0.62 * (share if row == column else min(1.0, 2 * sqrt(share)))
            ax.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, color=fill, alpha=strength, linewidth=0)
            )
            text = f"{100 * share:.0f}" if share >= 0.005 else "·"
            ax.text(column, row, text, ha="center", va="center", fontsize=7.5)
    ax.grid(visible=False)
    ax.set_xlim(-0.5, size - 0.5)
    ax.set_ylim(size - 0.5, -0.5)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    names = [short(label) for label in labels]
    ax.set_xticks(range(size), names, rotation=45, ha="left", rotation_mode="anchor")
    ax.set_yticks(range(size), [f"{n}  ({sum(row):,})" for n, row in zip(names, counts)])
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.set_xlabel("student", labelpad=6)
    ax.set_ylabel("teacher (words)")
    return ax


def _legend(ax: Any, number: int) -> None:
    ax.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncol=min(number, 3), handletextpad=0.1,
        columnspacing=0.8, borderaxespad=0.2,
    )  # fmt: skip
