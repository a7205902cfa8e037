"""Attacks: files that mean harm, tried at each door by the tests, and how many are refused.

Each is a test marked `attack`, or one of `tests/archives/hostile.py`, which is tried as a teacher, by `kd-init` and by
the packager.
An attack is refused where its test passes: it ends in an error that says what is wrong, and nothing outside is touched.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any, DefaultDict, Dict, List, Tuple

import pytest

ROOT = Path(__file__).parents[1]
PLACES = ("tests/archives", "tests/spacy_bridge", "tests/teachers")


class Recorder:
    """A plugin of pytest: runs the attacks alone, and keeps their outcomes by kind and door."""

    def __init__(self) -> None:
        self.outcomes: DefaultDict[Tuple[str, str], List[Tuple[bool, float]]] = defaultdict(list)

    def pytest_collection_modifyitems(self, items: List[Any]) -> None:
        items[:] = [item for item in items if kind_and_door(item) is not None]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        result = yield
        report = result.get_result()
        if report.when == "call" or report.failed:
            found = kind_and_door(item)
            assert found is not None
            self.outcomes[found].append((report.passed, report.duration))


def kind_and_door(item: Any) -> Any:
    """What a test attacks with, and where; `None` for another test."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if "attack" in parameters and "door" in parameters:
        return f"archive: {parameters['attack'].kind}", parameters["door"]
    marker = item.get_closest_marker("attack")
    return None if marker is None else tuple(marker.args)


def measure(places: List[str]) -> Dict[str, Any]:
    """Tries all attacks: `attacks` holds a row for each kind and door."""
    recorder = Recorder()
    pytest.main(["-q", "-p", "no:cacheprovider", *places], plugins=[recorder])
    return {
        "attacks": [
            {
                "kind": kind,
                "door": door,
                "tried": len(outcomes),
                "refused": sum(passed for passed, _ in outcomes),
                "slowest": round(max(seconds for _, seconds in outcomes), 1),
            }
            for (kind, door), outcomes in sorted(recorder.outcomes.items())
        ]
    }


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks attacks`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks attacks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only those on weights")
    parser.add_argument("--output", type=Path, required=True, help="a JSON file")
    options = parser.parse_args(arguments)
    places = ["tests/archives/test_tensors.py"] if options.quick else list(PLACES)
    found = measure([str(ROOT / place) for place in places])
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
