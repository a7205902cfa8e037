"""Opens a pipeline of unknown origin."""

from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.util import is_package

# Registers the factories even if the package's entry points are not installed.
from spacy_bridge.components import chunker, entities, parser, senter, tagger  # noqa: F401
from spacy_bridge.components.pipeline_config import (
    check_configuration,
    has_students,
    pipeline_names,
    read_configuration,
)
from spacy_bridge.components.pipeline_manifest import check_pipeline
from spacy_bridge.errors import PackageError


def open_pipeline(name: str, **options: Any) -> Language:
    """Like `spacy.load`, for the folder of a pipeline of unknown origin.

    Before spaCy opens the folder, its configuration must not open anything outside it, and a
    pipeline with students is verified against its manifest. An installed package, which is Python
    code, is loaded without these checks.

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
        path = folder / "config.cfg"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PackageError(f"{path} cannot be read: {error}") from error
        config = read_configuration(content, str(path))
        if has_students(config):
            check_pipeline(folder)
        pipeline_names(config, str(folder))
        check_configuration(config, str(folder))
    return spacy.load(name, **options)
