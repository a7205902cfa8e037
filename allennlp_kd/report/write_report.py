"""Writes the files of a report."""

import json
import re
from pathlib import Path
from typing import Any, Dict

from allennlp_kd.report.page.page import page
from allennlp_kd.report.plots.figures import figures
from spacy_bridge.atomic_file import atomic_file

PAGE, NUMBERS, PLOTS = "index.html", "report.json", "plots"
NAMES = re.compile(r"(labels|distances|deviation-\d+|calibration|speed|curve-.+)\.(svg|png)")
"""The file types of plots."""


def write(report: Dict[str, Any], folder: Path) -> None:
    """
    # Parameters

    report : `Dict[str, Any]`
        As `compare` returns it.
    folder : `Path`
        Gets `index.html`, which needs no other file; `report.json`; and `plots/` with an SVG and a
        PNG of each plot. What they replace is replaced whole; plots that an earlier report has left
        there and this one has not are removed.
    """
    plots = figures(report)
    numbers = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
    files = {PAGE: page(report, plots).encode("utf-8"), NUMBERS: numbers.encode("utf-8")}
    for plot in plots:
        files[f"{PLOTS}/{plot.name}.svg"] = plot.svg.encode("utf-8")
        files[f"{PLOTS}/{plot.name}.png"] = plot.png
    (folder / PLOTS).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        with atomic_file(folder / name) as file:
            file.write(content)
    for path in (folder / PLOTS).iterdir():
        if NAMES.fullmatch(path.name) and f"{PLOTS}/{path.name}" not in files:
            path.unlink()
