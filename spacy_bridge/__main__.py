"""The commands `python -m spacy_bridge package`, `annotate`, `seal` and `demo`."""

import argparse
import sys
from pathlib import Path
from typing import Optional, Sequence

from spacy_bridge.corpus.annotate_command import add_command as add_annotate
from spacy_bridge.errors import BridgeError
from spacy_bridge.packaging.package_command import add_command as add_package


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs a command.

    # Returns

    `int`
        0, or 1 after an error that was printed.
    """
    parsed = make_parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except (BridgeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog="python -m spacy_bridge", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_package(commands)
    add_annotate(commands)
    text = "Writes the manifest of a pipeline that you changed."
    seal = commands.add_parser("seal", help=text, description=text)
    seal.set_defaults(run=_seal)
    seal.add_argument("pipeline", type=Path, help="the folder of a pipeline")
    text = "Writes an HTML page with the entities, spans, tags and trees of a text."
    demo = commands.add_parser("demo", help=text, description=text)
    demo.set_defaults(run=_demo)
    demo.add_argument("pipeline", help="the folder of a pipeline, or the name of an installed one")
    demo.add_argument("text", help="a text file, or - for standard input")
    demo.add_argument("--output", type=Path, default=Path("demo.html"), help="the page to write")
    return parser


def _seal(parsed: argparse.Namespace) -> int:
    from spacy_bridge.components.pipeline_manifest import write_pipeline_manifest

    if not (parsed.pipeline / "config.cfg").is_file():
        raise BridgeError(
            f"{parsed.pipeline} is not the folder of a pipeline: it has no config.cfg"
        )
    write_pipeline_manifest(parsed.pipeline)
    print(parsed.pipeline)
    return 0


def _demo(parsed: argparse.Namespace) -> int:
    from spacy_bridge.components.open_pipeline import open_pipeline
    from spacy_bridge.demo import render_page

    try:
        path = Path(parsed.text)
        text = sys.stdin.read() if parsed.text == "-" else path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BridgeError(f"{parsed.text} is not UTF-8 text: {error}") from error
    page = render_page(open_pipeline(parsed.pipeline)(text))
    parsed.output.write_text(page, encoding="utf-8")
    print(parsed.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
