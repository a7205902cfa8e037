"""The requirement on this package in the metadata of a packaged pipeline."""

import json
import re
from importlib import metadata
from pathlib import Path
from typing import List, Optional

from spacy_bridge.errors import BridgeError

DISTRIBUTION = "allennlp-kd"
_OURS = re.compile(r"allennlp[-_.]+kd(?![\w.-])", re.IGNORECASE)
"""Its name at the start of a requirement, however it is spelled, and not a longer name."""
META = "meta.json"


def requirement(extra: Optional[str] = None) -> str:
    """Returns the requirement: this package, from its version up to the next minor version."""
    version = _own_version()
    major, minor = (int(part) for part in re.findall(r"\d+", version)[:2])
    name = f"{DISTRIBUTION}[{extra}]" if extra else DISTRIBUTION
    return f"{name}>={version},<{major}.{minor + 1}.0"


def _own_version() -> str:
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        # The run-time must not import the other package.
        path = Path(__file__).parents[2] / "allennlp_kd" / "__init__.py"
        found = re.search(r'^__version__ = "(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
        if found is None:
            raise BridgeError(f"{path} contains no version") from None
        return found[1]


def require(requirements: List[str], extra: Optional[str] = None) -> List[str]:
    """Adds the requirement on this package to a list, or gives it another extra."""
    ours = [each for each in requirements if _OURS.match(each)]
    if any("[" in each for each in ours) or (ours and extra is None):
        return requirements
    return [*(each for each in requirements if each not in ours), requirement(extra)]


def require_in_meta(pipeline: Path, extra: Optional[str]) -> None:
    """Adds the requirement to the `meta.json` of a pipeline that is being saved, if it exists.

    spaCy writes that file before the components. It finds by itself that a pipeline needs this package,
    but not that it needs an extra of it.
    """
    path = pipeline / META
    if not path.is_file():
        return
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return  # the file has another format
    if not isinstance(meta, dict) or "spacy_version" not in meta:
        return
    found = list(meta.get("requirements") or [])
    needed = require(found, extra)
    if needed != found:
        meta["requirements"] = needed
        path.write_text(json.dumps(meta, indent=2, ensure_ascii=False), encoding="utf-8")
