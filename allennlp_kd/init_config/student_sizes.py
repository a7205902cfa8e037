"""The sizes of the students that `kd-init` writes; the same as those of `training_configs`."""

from typing import Any, Dict

FEATURES = {
    "form": 8000,
    "lower": 8000,
    "prefix1": 500,
    "prefix3": 4000,
    "shape": 1000,
    "suffix2": 1000,
    "suffix3": 4000,
    "suffix4": 8000,
}

SIZES: Dict[str, Dict[str, Any]] = {
    "small": {"hidden": 96, "dilations": [1, 1, 2, 4], "arcs": 100, "labels": 50},
    "medium": {"hidden": 128, "dilations": [1, 1, 2, 2, 4, 8], "arcs": 200, "labels": 100},
    "large": {"layers": 2, "arcs": 200, "labels": 100},
}
EPOCHS = {"small": 15, "medium": 15, "large": 10}
