"""`python -m spacy_bridge package`, `annotate` and `demo`."""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from spacy_bridge.corpus.annotate_command import add_command as add_annotate
from spacy_bridge.errors import BridgeError

COMPONENTS = ("tagger", "ner", "chunker", "parser")


class _AddStudent(argparse.Action):
    """Keeps the order in which students are named: it is the pipeline's."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: Optional[str] = None,
    ) -> None:
        if option_string == "--component":
            component, name, archive = values
            if component not in COMPONENTS:
                parser.error(
                    f"--component: expected one of {', '.join(COMPONENTS)}, found {component!r}"
                )
        else:
            component, archive = str(option_string)[2:], values
            name = component
        namespace.students = [*(namespace.students or []), (component, name, Path(archive))]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs a command.

    # Returns

    `int`
        0, or 1 after an error that was printed.
    """
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except (BridgeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m spacy_bridge", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    package = commands.add_parser("package", help="students' archives -> a pipeline of spaCy")
    package.set_defaults(run=_package, students=None)
    package.add_argument("output", type=Path, help="the pipeline goes into a folder in it")
    for component in COMPONENTS:
        package.add_argument(
            f"--{component}",
            action=_AddStudent,
            metavar="ARCHIVE",
            help=f"a student as {component}",
        )
    package.add_argument(
        "--component",
        action=_AddStudent,
        nargs=3,
        metavar=("KIND", "NAME", "ARCHIVE"),
        help="a student as a component with a name of its own",
    )
    package.add_argument("--lang", default="en", help="spaCy's code of the language (en)")
    package.add_argument("--name", default="students", help="spacy.load takes LANG_NAME (students)")
    package.add_argument("--version", default="0.0.0", help="of the package (0.0.0)")
    for entry in ("author", "email", "url", "license", "description"):
        package.add_argument(f"--{entry}", help="goes into meta.json")
    package.add_argument("--encoding", help="how tags say spans, where an archive does not say it")
    package.add_argument("--decoder", help="exact or stock, where it is not to be the parser's own")
    package.add_argument(
        "--transformer",
        action="append",
        metavar="[NAME=]FOLDER",
        help="a transformer's folder, in the place of the one that archives, or the archive of the "
        "component NAME, name; may be repeated",
    )
    package.add_argument(
        "--trust", action="store_true", help="let archives name files and models outside of them"
    )
    package.add_argument(
        "--attribute", default="tag", help="what a tagger sets: tag (default) or pos"
    )
    package.add_argument(
        "--sentences", default="sentencizer", help="the component put before a parser (sentencizer)"
    )
    package.add_argument("--int8", action="store_true", help="round matrices to 8 bits")
    package.add_argument("--scores", type=Path, help="a .spacy file; the scores go into meta.json")
    package.add_argument(
        "--gold-tokens", action="store_true", help="score on its tokens and sentences"
    )
    package.add_argument(
        "--build",
        choices=["none", "wheel"],
        default="none",
        help="a wheel beside the folder (none)",
    )
    package.add_argument("--no-isolation", action="store_true", help="build with what is installed")
    package.add_argument("--force", action="store_true", help="replace a pipeline that is there")
    add_annotate(commands)
    demo = commands.add_parser("demo", help="text -> a page with entities and trees")
    demo.set_defaults(run=_demo)
    demo.add_argument("pipeline", help="a pipeline's folder, or the name of an installed one")
    demo.add_argument("text", help="a file of text, or - for the standard input")
    demo.add_argument("--output", type=Path, default=Path("demo.html"))
    return parser


def _package(parsed: argparse.Namespace) -> int:
    from spacy_bridge.packaging.archive.given_transformers import given_transformers
    from spacy_bridge.packaging.pipeline import StudentSource, build_pipeline, measure
    from spacy_bridge.packaging.wheel import build_wheel, requirement, save_pipeline

    _refuse_idle_options(parsed)
    sources: List[StudentSource] = []
    archives = {name: archive for _, name, archive in parsed.students or []}
    transformers = given_transformers(archives, parsed.transformer or [], parsed.trust)
    for component, name, archive in parsed.students or []:
        options: Dict[str, Any] = {"decoder": parsed.decoder} if component == "parser" else {}
        if component in ("ner", "chunker"):
            options = {"encoding": parsed.encoding}
        options.update(transformer=transformers[name], trust=parsed.trust)
        config = {"attribute": parsed.attribute} if component == "tagger" else {}
        sources.append(StudentSource(component, archive, name, options, config))
    meta = {"name": parsed.name, "version": parsed.version}
    for entry in ("author", "email", "url", "license", "description"):
        if getattr(parsed, entry):
            meta[entry] = getattr(parsed, entry)
    nlp = build_pipeline(sources, parsed.lang, meta, parsed.sentences, parsed.int8)
    if parsed.scores:
        nlp.meta["performance"] = measure(nlp, parsed.scores, parsed.gold_tokens)
    students = [nlp.get_pipe(name) for _, name, _ in parsed.students]
    pieces = any(name.startswith("tokenizer") for pipe in students for name in pipe.student.files)
    needed = [requirement("transformer" if pieces else None)]
    folder = save_pipeline(nlp, parsed.output, needed, parsed.force)
    print(folder)
    if parsed.build == "wheel":
        print(build_wheel(folder, parsed.output, isolation=not parsed.no_isolation))
    return 0


def _refuse_idle_options(parsed: argparse.Namespace) -> None:
    given = {component for component, _, _ in parsed.students or []}
    for option, idle, components in (
        ("decoder", None, {"parser"}),
        ("encoding", None, {"ner", "chunker"}),
        ("attribute", "tag", {"tagger"}),
    ):
        value = getattr(parsed, option)
        if given and value != idle and not components & given:
            raise BridgeError(
                f"--{option} {value} is of no use without a {' or '.join(sorted(components))}"
            )
    if parsed.gold_tokens and not parsed.scores:
        raise BridgeError("--gold-tokens is of no use without --scores")


def _demo(parsed: argparse.Namespace) -> int:
    from spacy_bridge.demo import open_pipeline, render_page

    try:
        path = Path(parsed.text)
        text = sys.stdin.read() if parsed.text == "-" else path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BridgeError(f"{parsed.text} is not text in UTF-8: {error}") from error
    page = render_page(open_pipeline(parsed.pipeline)(text))
    parsed.output.write_text(page, encoding="utf-8")
    print(parsed.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
