"""The manifest of a whole pipeline, because more than the students affects its results.

A student's folder has its own manifest. But the tokenizer, the vocabulary, the configuration and
other components belong to spaCy, which does not notice changes in them. So a pipeline with students
gets a manifest in its folder whenever spaCy saves it, and is verified against it before spaCy reads
it.
"""

import functools
import hashlib
import os
from pathlib import Path
from typing import Any, Callable, Iterator, Tuple, Union

from spacy.language import Language

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime import manifest

PIPELINE_MANIFEST = "pipeline_manifest.json"
DOCUMENTS = ("LICENSE", "LICENSES_SOURCES", "README.md", "meta.json")
"""Files that describe a pipeline and affect no result; `spacy package` rewrites `meta.json`."""


def write_pipeline_manifest(folder: Path) -> None:
    """Writes the manifest of a pipeline's folder.

    # Raises

    PackageError
        If the folder has a link to a folder.
    """
    path = folder / PIPELINE_MANIFEST
    path.unlink(missing_ok=True)
    found = {name: _digest(file) for name, file in _files(folder)}
    path.write_bytes(manifest.spell(found))


def check_pipeline(folder: Path) -> None:
    """Verifies a pipeline's folder against its manifest.

    # Raises

    PackageError
        If a file is missing, changed or added, a folder is a link, or there is no manifest.
    """
    path = folder / PIPELINE_MANIFEST
    if not path.is_file():
        raise PackageError(
            f"{folder} has no {PIPELINE_MANIFEST}, so it cannot be verified: save the pipeline "
            "again with nlp.to_disk, or package it again"
        )
    sums = manifest.read_sums(path.read_bytes(), str(folder))
    found = dict(_files(folder))
    for name, expected in sums.items():
        if name not in found:
            raise PackageError(f"{folder}: {name} is missing")
        actual = _digest(found[name])
        if actual != expected:
            raise PackageError(
                f"{folder}: {name} differs from the saved file: its SHA-256 checksum is {actual}, "
                f"expected {expected}. If you changed it, run `python -m spacy_bridge seal "
                f"{folder}`"
            )
    added = sorted(set(found) - set(sums))
    if added:
        raise PackageError(
            f"{folder}: {added[0]} was not saved with the pipeline. If you added it, run "
            f"`python -m spacy_bridge seal {folder}`"
        )


def _files(folder: Path) -> Iterator[Tuple[str, Path]]:
    """Returns the files to verify by their paths with `/`; a student is represented by its
    manifest.

    A file may be a link, because caches and installers create them: the checksums verify the
    target.
    """
    for place, folders, names in os.walk(folder):
        here = Path(place)
        for name in folders:
            if (here / name).is_symlink():
                raise PackageError(
                    f"{folder}: {(here / name).relative_to(folder)} is a link; all folders of a "
                    "pipeline must be inside it"
                )
        folders[:] = [
            name for name in folders if not name.startswith(".") and name != "__pycache__"
        ]
        is_student = here != folder and manifest.MANIFEST in names
        for name in [manifest.MANIFEST] if is_student else names:
            aside = here == folder and name in (*DOCUMENTS, PIPELINE_MANIFEST)
            if not aside and not name.startswith("."):
                yield (here / name).relative_to(folder).as_posix(), here / name


def _digest(path: Path) -> str:
    if not path.is_file():
        raise PackageError(f"{path} is not a file")
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def watch_pipelines(has_students: Callable[[Language], bool]) -> None:
    """Makes spaCy write and verify the manifests of pipelines with students.

    `nlp.to_disk` writes the vocabulary after all components, and `nlp.from_disk` reads it before them: no
    component can see the whole folder, so both methods are wrapped, once. Nothing changes for other
    pipelines.
    """
    if hasattr(Language.to_disk, "_students"):
        return
    save, load = Language.to_disk, Language.from_disk

    @functools.wraps(save)
    def to_disk(self: Language, path: Union[str, Path], **options: Any) -> None:
        if has_students(self):
            (Path(path) / PIPELINE_MANIFEST).unlink(missing_ok=True)
        save(self, path, **options)
        if has_students(self):
            write_pipeline_manifest(Path(path))

    @functools.wraps(load)
    def from_disk(self: Language, path: Union[str, Path], **options: Any) -> Language:
        if has_students(self):
            check_pipeline(Path(path))
        return load(self, path, **options)

    to_disk._students = True  # type: ignore[attr-defined]
    Language.to_disk, Language.from_disk = to_disk, from_disk  # type: ignore[method-assign]
