"""Computes a digest that identifies a pipeline."""

import hashlib
from pathlib import Path

from spacy.util import get_package_path, is_package

from spacy_bridge.errors import BridgeError


def pipeline_digest(pipeline: str) -> str:
    """Returns a digest of the files in a pipeline's folder or an installed package.

    # Raises

    BridgeError
        If there is none of that name.
    """
    folder = Path(get_package_path(pipeline)) if is_package(pipeline) else Path(pipeline)
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and file.suffix != ".pyc" and "__pycache__" not in file.parts
    )
    if not files:
        raise BridgeError(
            f"{pipeline} is neither the folder of a pipeline nor an installed package"
        )
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        content = hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()
