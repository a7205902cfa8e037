"""What serving needs, linked from here into another environment: tests fetch nothing."""

from pathlib import Path
from typing import Any, List

SERVING = ["numpy", "onnxruntime", "safetensors", "spacy"]


def link_serving(packages: Path) -> None:
    """Links all of it into an environment's site-packages."""
    for distribution in serving_distributions():
        link(distribution, packages)


def serving_distributions() -> List[Any]:
    """What the package needs to serve, and what that needs, as they are installed here."""
    from importlib.metadata import distribution

    from pip._vendor.packaging.requirements import Requirement

    found, waiting = {}, list(SERVING)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        found[name] = distribution(name)
        for line in found[name].requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return list(found.values())


def link(distribution: Any, packages: Path) -> None:
    """Links the top folders and files of a distribution into an environment's site-packages."""
    for top in {Path(file).parts[0] for file in distribution.files or []} - {".."}:
        source, target = Path(distribution.locate_file(top)), packages / top
        if source.exists() and not target.exists() and top != "__pycache__":
            target.symlink_to(source)
