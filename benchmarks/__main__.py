"""`python -m benchmarks NAME ...`."""

import importlib
import pkgutil
import sys
from pathlib import Path
from typing import List

FOLDER = Path(__file__).parent
# What the benchmarks are made of; every other module of the package is one, and has a `main`. So has the
# demo, a package with a `__main__`.
PARTS = (
    "__main__",
    "command",
    "frontier_line",
    "memory",
    "processes",
    "report",
    "rounds",
    "scores",
    "search",
    "significance",
    "table",
)


def names() -> List[str]:
    """The benchmarks, by name."""
    modules = pkgutil.iter_modules([str(FOLDER)])
    found = [module.name for module in modules if not module.ispkg or _runs(module.name)]
    return sorted(name for name in found if name not in PARTS)


def module_of(name: str) -> str:
    """The module of a benchmark."""
    return f"benchmarks.{name}" + (".__main__" if _runs(name) else "")


def _runs(package: str) -> bool:
    return (FOLDER / package / "__main__.py").is_file()


def main(arguments: List[str]) -> int:
    """Runs the one that the first argument names."""
    if not arguments or arguments[0] not in names():
        found = f"found '{arguments[0]}'" if arguments else "found none"
        print(
            f"usage: python -m benchmarks NAME [--quick] --output FILE\n"
            f"NAME must be one of {', '.join(names())}; {found}",
            file=sys.stderr,
        )
        return 2
    importlib.import_module(module_of(arguments[0])).main(arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
