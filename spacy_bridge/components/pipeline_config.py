"""Reads and checks the configuration of a pipeline of unknown origin, without building anything from it."""

import configparser
import re
from typing import Any, Iterator, List, Mapping, Tuple

from thinc.api import Config

from spacy_bridge.errors import PackageError

BUILT = ("@tokenizers", "@scorers", "@vectors", "@architectures", "@layers")
"""Registries of functions that build parts out of their arguments alone, where they are spaCy's own.

Of others some read files, open pipelines or fetch: `@readers`, `@callbacks`, `@misc`.
"""
BUILT_MISC = (
    "CandidateBatchGenerator", "CandidateGenerator", "EmptyKB", "first_longest_spans_filter",
    "levenshtein_compare", "ngram_range_suggester", "ngram_suggester", "preset_spans_suggester",
    "prioritize_existing_ents_filter", "prioritize_new_ents_filter",
)  # fmt: skip
"""The functions of spaCy in `@misc` that read no files."""
INSTANTIATED = ("nlp", "components")
"""The sections that spaCy builds objects from when it opens a pipeline."""
LARGEST_FILE = 1_000_000
"""The maximum size of a `config.cfg` in bytes."""
MOST_ENTRIES = 20_000
LONGEST_VALUE = 1_000
"""The maximum number of characters that a variable stands for."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}?")


def read_configuration(content: bytes, where: str) -> Config:
    """Reads a `config.cfg` and replaces its variables, as spaCy does before it builds a pipeline.

    A variable such as `${paths.train}` may stand for a single value only. One that stands for a
    section, or for a value with variables, could grow without limit.

    # Parameters

    content : `bytes`
    where : `str`
        For errors.

    # Raises

    PackageError
        If the configuration cannot be read, is too large, or has other variables.
    """
    if len(content) > LARGEST_FILE:
        raise PackageError(
            f"{where} has {len(content):,} bytes; at most {LARGEST_FILE:,} are allowed"
        )
    try:
        # Variables first stay what they are.
        config = Config().from_bytes(content, interpolate=False)
        for _, key, value in _entries(config, where):
            for text in (key, value):
                _check_variables(text, config, where)
        config = config.interpolate()
        for _ in _entries(config, where):
            pass  # they are counted
        return config
    except PackageError:
        raise
    except (configparser.Error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PackageError(f"{where} cannot be read: {error}") from error


def has_students(config: Mapping[str, Any]) -> bool:
    """Whether a configuration contains a component of this package."""
    parts = config.get("components")
    return any(is_student(part) for part in (parts.values() if isinstance(parts, dict) else ()))


def is_student(component: Any) -> bool:
    """Whether a component's section of a configuration has a factory of this package."""
    factory = component.get("factory") if isinstance(component, dict) else None
    return isinstance(factory, str) and factory.startswith("kd_")


def pipeline_names(config: Mapping[str, Any], where: str) -> List[str]:
    """Returns the names of a pipeline's components, which are names of folders too.

    # Raises

    PackageError
        If one could name a folder outside the pipeline's.
    """
    section = config.get("nlp")
    names = section.get("pipeline") if isinstance(section, dict) else None
    if not isinstance(names, list):
        raise PackageError(f"the configuration of {where} has no list nlp.pipeline")
    for name in names:
        if not isinstance(name, str) or name in ("", ".", "..") or set(name) & set("/\\:\0"):
            raise PackageError(
                f"the configuration of {where} has a component {name!r}; a component's name must "
                "not contain a folder"
            )
    return names


def check_configuration(config: Mapping[str, Any], where: str) -> None:
    """
    # Parameters

    config : `Mapping[str, Any]`
        Without variables, as `read_configuration` returns it.
    where : `str`
        For errors.

    # Raises

    PackageError
        If a pipeline's configuration takes a component from another pipeline, or calls a function that
        may open files.
    """
    for section in INSTANTIATED:
        for path, key, value in _entries(config.get(section), where, section):
            place = ".".join(path)
            if key.startswith("@") and not _only_builds(key, value):
                raise PackageError(
                    f"the configuration of {where} calls {key[1:]} {value!r} in {place}, which may "
                    "open files outside it; if you trust it like a program that you run, open it "
                    "with spacy.load or install it as a package"
                )
            if key == "source" and len(path) == 2:
                raise PackageError(
                    f"the configuration of {where} takes {place} from {value!r}, which is not in "
                    "the pipeline"
                )
            # A variable may consist of others' values.
            if "${" in key or (isinstance(value, str) and "${" in value):
                raise PackageError(
                    f"the configuration of {where} has a variable in {place}.{key} that is not "
                    f"replaced, found {value!r}"
                )


def _only_builds(registry: str, name: Any) -> bool:
    """Whether a registered function is spaCy's own and opens nothing."""
    if not isinstance(name, str) or not name.startswith("spacy."):
        return False
    return registry in BUILT or (registry == "@misc" and name.split(".")[1] in BUILT_MISC)


def _check_variables(text: Any, config: Mapping[str, Any], where: str) -> None:
    for variable in _VARIABLE.finditer(text if isinstance(text, str) else ""):
        value: Any = config
        for part in re.split("[.:]", variable[1]):
            value = value.get(part, config) if isinstance(value, dict) else config
        if isinstance(value, (dict, list)) or len(str(value)) > LONGEST_VALUE or "$" in str(value):
            raise PackageError(
                f"{where} has the variable {variable[0]!r}, which must stand for a single value "
                f"of at most {LONGEST_VALUE:,} characters without variables"
            )


def _entries(value: Any, where: str, *path: str) -> Iterator[Tuple[Tuple[str, ...], str, Any]]:
    """Yields each entry of nested objects and lists: the object's path, the entry's name and
    value. Elements of a list have no name.

    # Raises

    PackageError
        If there are more than `MOST_ENTRIES`: one section may occur in several places, or in itself.
    """
    count = 0
    waiting: List[Tuple[Tuple[str, ...], Any]] = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            parts = [((*path, str(key)), str(key), part) for key, part in value.items()]
        elif isinstance(value, (list, tuple)):
            parts = [(path, "", part) for part in value]
        else:
            continue
        count += len(parts)
        if count > MOST_ENTRIES:
            raise PackageError(f"{where} has more than {MOST_ENTRIES:,} entries")
        for inner, key, part in parts:
            yield path, key, part
            waiting.append((inner, part))
