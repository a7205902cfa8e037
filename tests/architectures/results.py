"""Writes what holds for each architecture, for the documentation:

python -m tests.architectures.results
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict

from tests.architectures.configurations import CONFIGURATIONS
from tests.architectures.legacy_trial import LEGACY, LegacyTrial
from tests.architectures.trial import Trial

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "architectures.json"


def try_all() -> Dict[str, Any]:
    """The results by the names of rows: new archives, and those that the legacy stack wrote."""
    found: Dict[str, Any] = {"new": {}, "legacy": {}}
    for name, configuration in CONFIGURATIONS.items():
        with tempfile.TemporaryDirectory() as folder:
            found["new"][name] = Trial(configuration, Path(folder)).run()
        print(name, found["new"][name], file=sys.stderr)
    for name in LEGACY:
        with tempfile.TemporaryDirectory() as folder:
            found["legacy"][name] = LegacyTrial(name, Path(folder)).run()
        print(name, found["legacy"][name], file=sys.stderr)
    return found


def main() -> None:
    before = json.loads(RESULTS.read_text())["before"] if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**try_all(), "before": before}, indent=1) + "\n")


if __name__ == "__main__":
    main()
