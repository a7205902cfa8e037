"""The figure of a task's frontier, as SVG and PNG."""

from pathlib import Path
from typing import Any, Dict, List

from benchmarks.frontier_line import best_points

COLORS = {"teacher": "#4d4d4d", "spaCy": "#d95f02", "student": "#1b6ca8"}
MARKERS = {"teacher": "s", "spaCy": "^", "student": "o"}


def draw(points: Dict[str, Dict[str, Any]], task: str, score: str, folder: Path) -> List[Path]:
    """Draws the contenders that have a speed and a score; returns the files."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter

    whole = {
        label: each
        for label, each in points.items()
        if each.get("words_per_second") is not None and each.get("score") is not None
    }
    with pyplot.rc_context({"svg.hashsalt": task, "svg.fonttype": "none", "font.size": 10}):
        figure, axes = pyplot.subplots(figsize=(7.5, 4.8), layout="constrained")
        line = best_points([(each["words_per_second"], each["score"]) for each in whole.values()])
        axes.plot(*zip(*line), color="#bbbbbb", linewidth=1, zorder=1)
        for family, color in COLORS.items():
            own = {label: each for label, each in whole.items() if each["family"] == family}
            axes.errorbar(
                [each["words_per_second"] for each in own.values()],
                [each["score"] for each in own.values()],
                yerr=[each.get("deviation", 0.0) for each in own.values()],
                fmt=MARKERS[family],
                color=color,
                label=family,
                capsize=2,
                zorder=2,
            )
            for label, each in own.items():
                axes.annotate(
                    label.replace("packaged, ", "").replace(", packaged", ", float"),
                    (each["words_per_second"], each["score"]),
                    # Labels of 32 and of 8 bits, which are often close together, do not meet.
                    xytext=(5, 4 if "int8" in label else -11),
                    textcoords="offset points",
                    fontsize=8,
                    color=color,
                )
        axes.set_xscale("log")
        axes.margins(x=0.15, y=0.1)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_xlabel("words per second of CPU time, one thread")
        axes.set_ylabel(f"{score} on test, %")
        axes.set_title(task.replace("_", " "))
        axes.legend(loc="lower left", frameon=False)
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"frontier_{task}.{suffix}" for suffix in ("svg", "png")]
        figure.savefig(files[0], metadata={"Date": None})
        figure.savefig(files[1], dpi=110, metadata={"Software": None})
        pyplot.close(figure)
    return files
