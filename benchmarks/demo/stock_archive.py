"""The archive of a parser student as one of the stock class, which it equals weight by weight."""

import json
import os
import tarfile
import tempfile
from pathlib import Path

TYPES = {"biaffine_parser_student": "biaffine_parser", "crf_tagger_student": "crf_tagger"}


def make_stock(archive: Path) -> bool:
    """
    Names the stock class in the archive's configuration; the weights stay as they are. Interrupted, it leaves
    the archive as it was.

    # Parameters

    archive : `Path`
        A `model.tar.gz`, of a student or of the stock class already.

    # Returns

    `bool`
        Whether there was anything to do.

    # Raises

    ValueError
        If its model is neither.
    """
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".stock-") as name:
        folder = Path(name) / "files"
        with tarfile.open(archive, "r:gz") as file:
            file.extractall(folder)
        path = folder / "config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        found = config["model"]["type"]
        if found in TYPES.values():
            return False
        if found not in TYPES:
            raise ValueError(f"{archive} holds a {found}, expected one of {', '.join(TYPES)}")
        config["model"]["type"] = TYPES[found]
        config["model"].pop("decoder", None)  # an option that stock has not
        path.write_text(json.dumps(config, indent=2), encoding="utf-8")
        whole = Path(name) / "model.tar.gz"
        with tarfile.open(whole, "w:gz") as file:
            for each in sorted(folder.iterdir()):
                file.add(each, arcname=each.name)
        os.replace(whole, archive)
    return True
