"""Reads packaged students from a folder, a packaged pipeline or a wheel. Needs neither torch nor AllenNLP."""

import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from spacy_bridge.components.pipeline_config import (
    check_configuration,
    is_student,
    pipeline_names,
    read_configuration,
)
from spacy_bridge.errors import BridgeError, PackageError
from spacy_bridge.runtime import manifest

CONFIG, META = "config.cfg", "meta.json"


class PackagedSource(NamedTuple):
    """A packaged student that is not open yet.

    # Parameters

    files : `Mapping[str, bytes]`
        Content by name, the manifest included.
    name : `str`, optional
        The component's name in its pipeline, if it is part of one.
    factory : `str`, optional
    options : `Mapping[str, Any]`
        The options of the factory in the pipeline.
    lang : `str`, optional
        The pipeline's language.
    """

    files: Mapping[str, bytes]
    name: Optional[str] = None
    factory: Optional[str] = None
    options: Mapping[str, Any] = {}
    lang: Optional[str] = None


def is_packaged(source: Path) -> bool:
    """Whether a path is a packaged student, a packaged pipeline, or a wheel."""
    if source.is_dir():
        return (source / manifest.MANIFEST).exists() or (source / CONFIG).exists()
    return source.suffix == ".whl"


def read_packaged(source: Path) -> List[PackagedSource]:
    """Reads the students of a packaged student's folder, a packaged pipeline's folder, or a wheel.

    # Raises

    BridgeError
        If the source cannot be read, or holds no packaged student.
    PackageError
        If a student is damaged or incomplete.
    """
    if source.suffix == ".whl" and not source.is_dir():
        try:
            with zipfile.ZipFile(source) as wheel:
                return _of_wheel(source, wheel)
        except (OSError, zipfile.BadZipFile) as error:
            raise BridgeError(f"{source} cannot be opened as a wheel: {error}") from error
    if (source / manifest.MANIFEST).exists():
        files = manifest.read_files(source)
        return [PackagedSource({**files, manifest.MANIFEST: manifest.sum_up(files)})]

    def read(name: str) -> bytes:
        return (source / name).read_bytes()

    return _of_pipeline(source, read)


def _of_wheel(source: Path, wheel: zipfile.ZipFile) -> List[PackagedSource]:
    configs = [PurePosixPath(name) for name in wheel.namelist() if name.endswith(f"/{CONFIG}")]
    if not configs:
        raise BridgeError(f"{source} contains no spaCy pipeline: it has no {CONFIG}")
    root = min(configs, key=lambda path: len(path.parts)).parent

    def read(name: str) -> bytes:
        try:
            return wheel.read(f"{root}/{name}")
        except KeyError as error:
            raise FileNotFoundError(name) from error

    return _of_pipeline(source, read)


def _of_pipeline(source: Path, read: Callable[[str], bytes]) -> List[PackagedSource]:
    try:
        content, meta = read(CONFIG), json.loads(read(META))
    except (OSError, ValueError, RecursionError) as error:
        raise BridgeError(f"{source} cannot be read as a spaCy pipeline: {error}") from error
    config = read_configuration(content, f"{source}: {CONFIG}")
    lang = meta.get("lang") if isinstance(meta, dict) else None
    components = config.get("components")
    found: List[PackagedSource] = []
    for name in pipeline_names(config, str(source)):
        options: Any = components.get(name) if isinstance(components, dict) else None
        if not is_student(options):
            continue
        check_configuration({"components": {name: options}}, str(source))
        options = dict(options)
        factory = options.pop("factory")
        files: Dict[str, bytes] = {}
        try:
            files[manifest.MANIFEST] = read(f"{name}/{manifest.MANIFEST}")
            for file in manifest.names(files[manifest.MANIFEST], f"{source}: {name}"):
                files[file] = read(f"{name}/{file}")
        except OSError as error:
            raise PackageError(f"{source}: {name} is incomplete: {error}") from error
        found.append(PackagedSource(files, name, factory, options, lang))
    if not found:
        raise BridgeError(f"{source} is a pipeline without a packaged student")
    return found
