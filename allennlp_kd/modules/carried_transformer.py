"""The folder in a model's archive with its transformer's architecture and tokenizer."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

from allennlp.common import cached_transformers
from allennlp.common.checks import ConfigurationError

from spacy_bridge.atomic_file import atomic_file, remove_unfinished

FOLDER = Path("vocabulary") / ".transformers"
"""Inside the folder of a run. AllenNLP packs all of `vocabulary` into the archive, and ignores
names that begin with a dot when it reads a vocabulary.
"""


def carried_folder(
    serialization_dir: Optional[str], carried_as: str, local_rank: Optional[int]
) -> Optional[Path]:
    """Returns the folder to build from instead of the checkpoint: that of a loaded archive, else
    `None`.

    # Parameters

    serialization_dir : `str`, optional
        The run's folder, or that of the opened archive, as AllenNLP hands it down.
    carried_as : `str`
        The name of the folder inside it.
    local_rank : `int`, optional
        AllenNLP hands it down while training, and not at loading. A run that is resumed before it
        saved any weights must start from the published ones again, although it has written its
        folder.
    """
    if not carried_as or Path(carried_as).name != carried_as or carried_as.startswith("."):
        raise ConfigurationError(f"carried_as must be a plain name, found '{carried_as}'")
    if serialization_dir is None or local_rank is not None:
        return None
    folder = Path(serialization_dir) / FOLDER / carried_as
    return folder if folder.is_dir() else None


def carry(
    source: str, serialization_dir: Optional[str], carried_as: str, local_rank: Optional[int]
) -> None:
    """Copies the files of `source` to where the archive includes them; only in the first process.

    # Raises

    ConfigurationError
        If a file with another content already exists: two transformers share the name.
    """
    if serialization_dir is None or local_rank != 0:
        return
    folder = Path(serialization_dir) / FOLDER / carried_as
    folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder)  # the archive would include the files of a killed process
    for name in sorted(os.listdir(source)):
        content = (Path(source) / name).read_bytes()
        target = folder / name
        if target.exists():
            if target.read_bytes() != content:
                raise ConfigurationError(
                    f"'{target}' belongs to another transformer, or another version of this one: "
                    "give each transformer of the model, with its indexer, a carried_as of its own"
                )
            continue
        with atomic_file(target) as file:  # so that a killed run can be resumed
            file.write(content)


@contextmanager
def past_the_cache(model_name: str) -> Iterator[None]:
    """A context in which AllenNLP opens this path without using its cache, and caches nothing from
    it.

    The cache knows a transformer by its path and not by its depth, and what lies at the path of a
    run or of a temporary folder does not stay the same.
    """
    _forget(model_name)
    try:
        yield
    finally:
        _forget(model_name)


def _forget(model_name: str) -> None:
    for cache in (cached_transformers._model_cache, cached_transformers._tokenizer_cache):
        for key in [key for key in cache if key[0] == model_name]:
            del cache[key]


@contextmanager
def temporary_folder() -> Iterator[str]:
    """A temporary folder that is removed at the end, also from AllenNLP's cache."""
    folder = tempfile.mkdtemp()
    try:
        with past_the_cache(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
