"""Prints the errors of a command as one line."""

import argparse
import sys
from types import TracebackType
from typing import Any, Callable, Optional, Type

JSONNET = ("STATIC ERROR", "RUNTIME ERROR")
"""How errors in a configuration begin, which jsonnet raises as a `RuntimeError`."""


def one_line_errors(
    parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace], None]
) -> None:
    """Makes a command print its errors as one line unless `--traceback` is given."""
    parser.add_argument(
        "--traceback", action="store_true", help="print the full traceback of an error"
    )

    def run(arguments: argparse.Namespace) -> None:
        if not arguments.traceback:
            sys.excepthook = _print_one_line
        command(arguments)

    parser.set_defaults(func=run)


def _print_one_line(
    kind: Type[BaseException], error: BaseException, traceback: Optional[TracebackType]
) -> Any:
    """An `excepthook`: prints one line for a user's error and the traceback for any other."""
    from allennlp.common.checks import ConfigurationError
    from allennlp.common.util import SigTermReceived

    # Raised by AllenNLP, by the evaluation of Jsonnet, and by this package (sub-classes of
    # ValueError).
    if isinstance(error, (KeyboardInterrupt, SigTermReceived)):
        print("interrupted", file=sys.stderr)
    elif isinstance(error, (ConfigurationError, ImportError, OSError, ValueError)) or (
        kind is RuntimeError and str(error).startswith(JSONNET)
    ):
        message = error.message if isinstance(error, ConfigurationError) else str(error)
        print(f"error: {' '.join(str(message).split())}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)
