"""Opens a pipeline that a stranger made."""

import configparser
from pathlib import Path
from typing import Any, Iterator, Tuple

import spacy
from spacy.language import Language
from spacy.util import is_package, load_config

# Registers the factories also where the package's entry points are not installed.
from spacy_bridge.components import assembly  # noqa: F401
from spacy_bridge.components.pipeline_manifest import check_pipeline
from spacy_bridge.errors import PackageError

BUILT = ("@tokenizers", "@scorers", "@vectors", "@architectures", "@layers")
"""Registries of functions that build parts out of their arguments alone, where they are spaCy's own.

Of others some read files, open pipelines or fetch: `@readers`, `@callbacks`, `@misc`.
"""


def open_pipeline(name: str, **options: Any) -> Language:
    """`spacy.load` for a pipeline's folder of unknown origin.

    Before spaCy sees the folder it is compared with its manifest, and its configuration may not open
    anything outside of it. A package that is installed, which is Python code, is loaded as it is.

    # Parameters

    name : `str`
        A pipeline's folder, or the name of an installed one.
    options : `Any`
        Of `spacy.load`.

    # Raises

    PackageError
        If the folder is not the one that was saved, or its configuration names what is not in it.
    """
    folder = Path(name)
    if not is_package(name) and folder.is_dir():
        check_pipeline(folder)
        check_configuration(folder)
    return spacy.load(name, **options)


def check_configuration(folder: Path) -> None:
    """
    # Raises

    PackageError
        If `config.cfg` cannot be read, takes a component from another pipeline, or calls a function
        that may open files.
    """
    where = folder / "config.cfg"
    try:
        config = load_config(where, interpolate=False)
    except (configparser.Error, ValueError, OSError, RecursionError) as error:
        raise PackageError(f"{where} cannot be read: {error}") from error
    for section in ("nlp", "components"):
        for place, key, value in _entries(config.get(section), section):
            own = isinstance(value, str) and value.startswith("spacy.")
            if key.startswith("@") and not (key in BUILT and own):
                raise PackageError(
                    f"{where} calls {key[1:]} {value!r} in {place}, which may open what is not in the "
                    "pipeline; open it with spacy.load if you trust it as you trust a program"
                )
            if key == "source" and place.count(".") == 1:
                raise PackageError(
                    f"{where} takes {place} from {value!r}, which is not in the pipeline"
                )


def _entries(value: Any, place: str) -> Iterator[Tuple[str, str, Any]]:
    """Each entry of nested objects and lists: its object's place, its name and its value."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield place, str(key), part
            yield from _entries(part, f"{place}.{key}")
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _entries(part, place)
