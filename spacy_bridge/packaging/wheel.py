"""Writes a pipeline to disk, and builds the wheel that installs it."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Optional

from packaging.version import InvalidVersion, Version
from spacy.language import Language

from spacy_bridge.atomic_file import SUFFIX
from spacy_bridge.components.assembly import check_language
from spacy_bridge.errors import BridgeError

LICENSE = "LICENSE"
"""spaCy's name of the file that is copied from a pipeline's folder into its wheel."""


def save_pipeline(
    nlp: Language,
    folder: Path,
    force: bool = False,
    license_file: Optional[Path] = None,
) -> Path:
    """Writes a pipeline to a folder that `spacy.load` can open.

    # Parameters

    folder : `Path`
        The pipeline goes into a folder in it that is called `<lang>_<name>-<version>`.
    force : `bool`, optional (default = `False`)
        Whether an existing pipeline is replaced. It stays until the new one is complete.
    license_file : `Path`, optional
        The text of the license, which becomes `LICENSE` in the folder and in a wheel.

    # Returns

    `Path`
        The pipeline's folder.

    # Raises

    BridgeError
        If the name or the version is none of a Python package, or there is a pipeline already.
    """
    meta: Dict[str, Any] = nlp.meta
    if not re.fullmatch(r"\w+", meta["name"], re.ASCII):
        raise BridgeError(
            "a pipeline's name must consist of letters, digits and underscores, found "
            f"{meta['name']!r}"
        )
    check_language(meta["lang"])
    try:
        if not re.fullmatch(r"[\w.!+-]+", meta["version"], re.ASCII):
            raise InvalidVersion(meta["version"])
        Version(meta["version"])
    except InvalidVersion:
        raise BridgeError(
            "a pipeline's version must be a Python version number, such as 1.0.0, found "
            f"{meta['version']!r}"
        ) from None
    target = folder / f"{meta['lang']}_{meta['name']}-{meta['version']}"
    if target.exists():
        if not force:
            raise BridgeError(f"{target} already exists; replace it with --force")
        if not (target / "meta.json").is_file():
            raise BridgeError(f"{target} already exists and is not a pipeline")
    content = None if license_file is None else license_file.read_bytes()
    # The spaCy version that writes it. The components add the requirement on this package when
    # saved.
    nlp.meta["requirements"] = [f"spacy{nlp.meta['spacy_version']}"]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".", suffix=SUFFIX) as temporary:
        made, replaced = Path(temporary) / "new", Path(temporary) / "old"
        nlp.to_disk(made)
        if content is not None:
            (made / LICENSE).write_bytes(content)
        if target.exists():
            os.rename(target, replaced)
        try:
            os.rename(made, target)
        except OSError:
            if replaced.exists():
                os.rename(replaced, target)
            raise
    return target


def build_wheel(pipeline: Path, folder: Path, isolation: bool = True) -> Path:
    """Builds the wheel of a pipeline: a Python package made by spaCy and built by pip.

    # Parameters

    pipeline : `Path`
        Its folder.
    folder : `Path`
        Where the wheel goes.
    isolation : `bool`, optional (default = `True`)
        Whether pip fetches setuptools into an environment of its own to build with. If not, the one
        that is installed is used, and nothing is fetched.

    # Returns

    `Path`
        The wheel.

    # Raises

    BridgeError
        If pip fails; the message holds the end of what it said.
    """
    from spacy.cli.package import package

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as sources:
        package(pipeline, Path(sources), create_sdist=False, create_wheel=False, silent=True)
        (made,) = Path(sources).iterdir()
        before = {path: path.stat().st_mtime_ns for path in folder.glob("*.whl")}
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder)]
        command += ["--disable-pip-version-check", "--quiet"]
        command += [] if isolation else ["--no-build-isolation", "--no-index"]
        done = subprocess.run([*command, str(made)], capture_output=True, text=True)
        if done.returncode:
            raise BridgeError(
                f"pip could not build the wheel of {pipeline}:\n{done.stderr[-2000:]}"
            )
    wheels = [path for path in folder.glob("*.whl") if before.get(path) != path.stat().st_mtime_ns]
    if len(wheels) != 1:
        raise BridgeError(f"pip built {len(wheels)} wheels in {folder}, expected one")
    return wheels[0]
