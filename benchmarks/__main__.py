"""`python -m benchmarks NAME ...`."""

import importlib
import pkgutil
import sys
from pathlib import Path
from typing import List

# What the benchmarks are made of; every other module of the package is one, and has a `main`.
PARTS = (
    "__main__",
    "command",
    "memory",
    "report",
    "rounds",
    "search",
    "significance",
    "table",
)


def names() -> List[str]:
    """The benchmarks, by name."""
    folder = str(Path(__file__).parent)
    found = [module.name for module in pkgutil.iter_modules([folder]) if not module.ispkg]
    return sorted(name for name in found if name not in PARTS)


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
    importlib.import_module(f"benchmarks.{arguments[0]}").main(arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
