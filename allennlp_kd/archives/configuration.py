"""Reads an archive's configuration as plain data."""

import json
from typing import Any, Dict, List, Tuple

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.limits import MIB

LARGEST = 16 * MIB
DEEPEST = 64
"""The maximum nesting depth of a configuration; real models have about twelve levels."""


def read_configuration(content: bytes, where: str, largest: int = LARGEST) -> Dict[str, Any]:
    """Reads a `config.json` as JSON. AllenNLP evaluates it as Jsonnet, which can read files and
    variables.

    # Raises

    ArchiveError
        If it is not JSON, nested too deep, or larger than `largest` bytes.
    """
    if len(content) > largest:
        raise ArchiveError(
            f"{where} is {len(content):,} bytes long; at most {largest:,} are allowed"
        )
    try:
        config = json.loads(
            content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant
        )
    except (ValueError, RecursionError) as error:
        raise ArchiveError(
            f"{where} is not JSON: {error}. AllenNLP writes JSON there, and Jsonnet is not "
            "evaluated"
        ) from error
    if not isinstance(config, dict):
        raise ArchiveError(f"{where} must contain an object, found {type(config).__name__}")
    _check_depth(config, where)
    return config


def _check_depth(config: Any, where: str) -> None:
    level = [config]
    for _ in range(DEEPEST):
        inside = [value.values() if isinstance(value, dict) else value for value in level]
        level = [part for value in inside for part in value if isinstance(part, (dict, list))]
        if not level:
            return
    raise ArchiveError(f"{where} is nested more than {DEEPEST} levels deep")


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the name {name!r} occurs twice")
            seen.add(name)
    return found


def _constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def inner(config: Any, key: str, where: str) -> Dict[str, Any]:
    """Returns the innermost part inside a wrapping model (`student`) or reader (`reader`).

    What wraps it, a teacher included, is only for training.

    # Raises

    ArchiveError
        If there is no object.
    """
    while isinstance(config, dict) and isinstance(config.get(key), dict) and "type" in config[key]:
        config = config[key]
    if not isinstance(config, dict):
        raise ArchiveError(f"the configuration of {where} has no {key}, found {config!r}")
    return config
