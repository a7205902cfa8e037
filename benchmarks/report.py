"""What a benchmark found: medians, targets, and what they depend on."""

import json
import os
import platform
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Dict, List, Union

import torch

from benchmarks.rounds import Timing
from benchmarks.table import format_table

PACKAGES = ("allennlp", "allennlp-models", "torch", "numpy", "spacy", "transformers", "onnxruntime")


@dataclass(frozen=True)
class Target:
    """A number that was promised.

    # Parameters

    name : `str`
    measured : `float`
    bound : `float`
    at_least : `bool`, optional (default = `False`)
        Whether the bound is the least that is wanted, and not the most.
    """

    name: str
    measured: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        if self.at_least:
            return self.measured >= self.bound
        return self.measured <= self.bound

    def to_json(self) -> Dict[str, Any]:
        return {
            "name": self.name,
            "measured": self.measured,
            "bound": self.bound,
            "met": self.met,
            "bound_is": "least" if self.at_least else "most",
        }


@dataclass
class Report:
    """The result of one benchmark.

    # Parameters

    name : `str`
    settings : `Dict[str, Any]`
        Seeds, threads, sizes, rounds: what the numbers depend on.
    """

    name: str
    settings: Dict[str, Any]
    medians: Dict[str, Dict[str, float]] = field(default_factory=dict)
    """By number of threads (or another condition), then by name: seconds, or as the name says."""
    targets: List[Target] = field(default_factory=list)
    notes: Dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def add(self, condition: str, timings: Dict[str, Union[Timing, float]]) -> None:
        """Keeps the medians of these."""
        found = self.medians.setdefault(condition, {})
        for name, timing in timings.items():
            found[name] = timing.median if isinstance(timing, Timing) else timing

    def table(self) -> str:
        """Two tables: all medians, one column a condition, and the targets."""
        names = list(dict.fromkeys(name for found in self.medians.values() for name in found))
        rows = [
            [
                name,
                *(_show(found[name]) if name in found else "" for found in self.medians.values()),
            ]
            for name in names
        ]
        parts = [format_table([self.name, *self.medians], rows)]
        if self.targets:
            targets = [
                [
                    target.name,
                    _show(target.measured),
                    ("at least " if target.at_least else "at most ") + _show(target.bound),
                    "yes" if target.met else "NO",
                ]
                for target in self.targets
            ]
            parts.append(format_table(["target", "measured", "bound", "met"], targets))
        return "\n\n".join(parts)

    def write(self, path: Path) -> None:
        """Writes one JSON file."""
        content = {
            "benchmark": self.name,
            "versions": versions(),
            "machine": f"{platform.machine()} {platform.system()}",
            "cores": os.cpu_count(),
            # Of the last 1, 5 and 15 minutes: more than the threads used means a busy machine.
            "load_average": os.getloadavg(),
            "seconds": round(time.perf_counter() - self.started),
            **self.settings,
            "medians": self.medians,
            "targets": [target.to_json() for target in self.targets],
            "notes": self.notes,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def versions() -> Dict[str, str]:
    """Of Python and of the packages that the numbers depend on, where they are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    # The built-in name tells the build, which the metadata does not always.
    found["torch"] = torch.__version__
    return found


def _show(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
