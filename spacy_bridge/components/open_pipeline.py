"""Opens a pipeline of unknown origin."""

import configparser
from pathlib import Path
from typing import Any, Iterator, Mapping, Tuple

import spacy
from spacy.language import Language
from spacy.util import is_package, load_config

# Registers the factories even if the package's entry points are not installed.
from spacy_bridge.components import assembly  # noqa: F401
from spacy_bridge.components.pipeline_manifest import check_pipeline
from spacy_bridge.errors import PackageError

BUILT = ("@tokenizers", "@scorers", "@vectors", "@architectures", "@layers")
"""Registries of functions that build parts out of their arguments alone, where they are spaCy's own.

Of others some read files, open pipelines or fetch: `@readers`, `@callbacks`, `@misc`.
"""


def open_pipeline(name: str, **options: Any) -> Language:
    """Like `spacy.load`, for the folder of a pipeline of unknown origin.

    Before spaCy opens the folder, it is verified against its manifest, and its configuration must
    not open anything outside it. An installed package, which is Python code, is loaded without
    these checks, and so is a pipeline without students.

    # Parameters

    name : `str`
        A pipeline's folder, or the name of an installed one.
    options : `Any`
        Options of `spacy.load`.

    # Raises

    PackageError
        If the folder differs from the saved one, or its configuration names anything outside it.
    """
    folder = Path(name)
    if not is_package(name) and folder.is_dir():
        config = read_config(folder)
        if has_students(config):
            check_pipeline(folder)
            check_configuration(config, folder)
    return spacy.load(name, **options)


def read_config(folder: Path) -> Mapping[str, Any]:
    """Reads a pipeline's `config.cfg` without building anything.

    # Raises

    PackageError
        If it cannot be read.
    """
    try:
        return load_config(folder / "config.cfg", interpolate=False)
    except (configparser.Error, ValueError, OSError, RecursionError) as error:
        raise PackageError(f"{folder / 'config.cfg'} cannot be read: {error}") from error


def has_students(config: Mapping[str, Any]) -> bool:
    """Whether a configuration contains a component of this package."""
    parts = config.get("components")
    factories = [
        part.get("factory")
        for part in (parts.values() if isinstance(parts, dict) else ())
        if isinstance(part, dict)
    ]
    return any(isinstance(name, str) and name.startswith("kd_") for name in factories)


def check_configuration(config: Mapping[str, Any], where: Path) -> None:
    """
    # Raises

    PackageError
        If a pipeline's configuration takes a component from another pipeline, or calls a function that
        may open files.
    """
    for section in ("nlp", "components"):
        for place, key, value in _entries(config.get(section), section):
            own = isinstance(value, str) and value.startswith("spacy.")
            if key.startswith("@") and not (key in BUILT and own):
                raise PackageError(
                    f"the configuration of {where} calls {key[1:]} {value!r} in {place}, which may "
                    "open files outside it; open it with spacy.load if you trust it like a "
                    "program that you run"
                )
            if key == "source" and place.count(".") == 1:
                raise PackageError(
                    f"the configuration of {where} takes {place} from {value!r}, which is not in "
                    "the pipeline"
                )


def _entries(value: Any, place: str) -> Iterator[Tuple[str, str, Any]]:
    """Yields each entry of nested objects and lists: the object's place, the entry's name and
    value.
    """
    if isinstance(value, dict):
        for key, part in value.items():
            yield place, str(key), part
            yield from _entries(part, f"{place}.{key}")
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _entries(part, place)
