"""Reads training curves: the metrics after each epoch."""

import json
import re
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional

from allennlp.common.checks import ConfigurationError

LOSSES = ("loss", "gold_loss", "distillation_loss")
PART = "distillation_loss/"
"""The prefix of the loss of a member of a `sum`."""
SCHEDULED = ("alpha", "temperature")


def curves(run: Optional[Path]) -> Optional[Dict[str, Any]]:
    """
    # Parameters

    run : `Path`, optional
        The folder of a run, with its `metrics_epoch_*.json`.

    # Returns

    `Dict[str, Any]`, optional
        `epochs`, their numbers from 1; `metric`, the name of what the best epoch was chosen by; and
        `series`: by their names those of `validation_METRIC`, the loss, its terms and their parts
        (`training_` and `validation_`), `training_alpha` and `training_temperature` that were recorded, `None`
        for an epoch without, or with NaN or an infinity. `None` where no epoch was.

    # Raises

    ConfigurationError
        If one of these files is damaged; it is named.
    """
    files = {} if run is None else {_epoch(path): path for path in run.glob("metrics_epoch_*.json")}
    if not files:
        return None
    recorded: List[Dict[str, Any]] = []
    for _, path in sorted(files.items()):
        recorded.append(_read(path))
    metric = _metric(run)
    losses = [*LOSSES, *(PART + name for name in part_names(chain(*recorded)))]
    names = [f"{split}_{name}" for name in losses for split in ("training", "validation")]
    names += [f"training_{name}" for name in SCHEDULED]
    if metric is not None:
        names.insert(0, f"validation_{metric}")
    series = {name: [_finite(epoch.get(name)) for epoch in recorded] for name in names}
    return {
        "epochs": [number + 1 for number in sorted(files)],
        "metric": metric,
        "series": {
            name: values for name, values in series.items() if any(v is not None for v in values)
        },
    }


def part_names(series: Iterable[str]) -> List[str]:
    """Returns the parts of the distillation loss among the names of metrics, without duplicates, in
    order.
    """
    found = (re.fullmatch(f"(?:training|validation)_{PART}(.+)", name) for name in series)
    return list(dict.fromkeys(match.group(1) for match in found if match))


def _epoch(path: Path) -> int:
    return int(re.findall(r"\d+", path.name)[-1])


def _metric(run: Path) -> Optional[str]:
    """Returns the validation metric of the training; AllenNLP's default is the loss."""
    path = run / "config.json"
    if not path.is_file():
        return None
    metric = _read(path).get("trainer", {}).get("validation_metric", "-loss")
    names = [metric] if isinstance(metric, str) else list(metric)
    return names[0].lstrip("+-")


def _finite(value: Optional[float]) -> Optional[float]:
    """Removes NaN and infinities, which AllenNLP writes but JSON does not allow."""
    return value if value is not None and isfinite(value) else None


def _read(path: Path) -> Dict[str, Any]:
    # Read as JSON, as AllenNLP wrote it, so that nothing in it is evaluated.
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is damaged: {error}") from error
