"""The command `python -m spacy_bridge package`."""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, List, Optional

from spacy_bridge.errors import BridgeError

COMPONENTS = ("senter", "tagger", "pos", "ner", "chunker", "parser")
SPAN_COMPONENTS = ("ner", "chunker")
SOURCE = ("name", "url", "author", "license")
META = ("author", "email", "url", "license", "description")


class _AddStudent(argparse.Action):
    """Keeps the order in which students are given, which is their order in the pipeline."""

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


def add_command(commands: Any) -> None:
    """Adds the command to the bridge's commands."""
    text = "Packages students as a spaCy pipeline that needs neither AllenNLP nor PyTorch."
    package = commands.add_parser("package", help=text, description=text)
    package.set_defaults(run=_package, students=None)
    package.add_argument(
        "output", type=Path, help="the folder that will hold the pipeline's folder"
    )
    for component in COMPONENTS:
        package.add_argument(
            f"--{component}",
            action=_AddStudent,
            metavar="ARCHIVE",
            help=f"the archive of a student, packaged as a {component}",
        )
    package.add_argument(
        "--component",
        action=_AddStudent,
        nargs=3,
        metavar=("KIND", "NAME", "ARCHIVE"),
        help="a student as a component with its own name",
    )
    package.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME.OPTION=VALUE",
        help="an option of the component NAME, such as ner.existing=override; may be repeated",
    )
    package.add_argument("--lang", default="en", help="the language, as spaCy's code")
    package.add_argument("--name", default="students", help="spacy.load takes LANG_NAME")
    package.add_argument("--version", default="0.0.0", help="the version of the pipeline")
    for entry in META:
        package.add_argument(f"--{entry}", help="goes into meta.json")
    package.add_argument("--license-file", type=Path, help="becomes LICENSE in the package")
    package.add_argument(
        "--sources",
        type=Path,
        help="a JSON file that lists what the students were trained on: objects with name and, if known, "
        "url, author and license; goes into meta.json and the README",
    )
    package.add_argument("--encoding", help="the encoding of spans, if an archive does not name it")
    package.add_argument("--decoder", help="exact or stock, instead of the parser's own")
    package.add_argument(
        "--transformer",
        action="append",
        metavar="[NAME=]FOLDER",
        help="the folder of a transformer, instead of the one that the archives (or that of the component "
        "NAME) name; may be repeated",
    )
    package.add_argument(
        "--trust", action="store_true", help="let archives name files and models outside themselves"
    )
    package.add_argument(
        "--sentences",
        metavar="SETTER",
        help="the component that sets sentence boundaries if there is no --senter: a factory (default: sentencizer), "
        "PIPELINE:COMPONENT, or none",
    )
    package.add_argument("--int8", action="store_true", help="round weights to 8 bits")
    package.add_argument(
        "--trim-vocabulary",
        type=Path,
        action="append",
        metavar="TEXT",
        help="leave out the word pieces that this text never uses (a .conllu file or plain text in UTF-8); "
        "may be repeated",
    )
    package.add_argument(
        "--scores", type=Path, help="a .spacy file to score on; the scores go into meta.json"
    )
    package.add_argument(
        "--gold-tokens", action="store_true", help="score on the tokens and sentences of --scores"
    )
    package.add_argument(
        "--build",
        choices=["none", "wheel"],
        default="none",
        help="what to build in addition to the folder",
    )
    package.add_argument(
        "--no-isolation", action="store_true", help="build with the installed packages"
    )
    package.add_argument("--force", action="store_true", help="replace an existing pipeline")


def _package(parsed: argparse.Namespace) -> int:
    from spacy_bridge.packaging.needed_packages import require_packages

    _refuse_idle_options(parsed)
    configs = _configs(parsed)
    require_packages("a student")
    from spacy_bridge.packaging.archive.given_transformers import given_transformers
    from spacy_bridge.packaging.pipeline import StudentSource, build_pipeline, measure
    from spacy_bridge.packaging.wheel import build_wheel, save_pipeline
    from spacy_bridge.packaging.words_of_files import words_of_files

    sources: List[StudentSource] = []
    trim_to = (
        words_of_files(parsed.trim_vocabulary, parsed.lang) if parsed.trim_vocabulary else None
    )
    archives = {name: archive for _, name, archive in parsed.students or []}
    transformers = given_transformers(archives, parsed.transformer or [], parsed.trust)
    # Components that set sentence boundaries precede those that read them.
    for component, name, archive in sorted(
        parsed.students or [], key=lambda student: student[0] != "senter"
    ):
        options: Dict[str, Any] = {"decoder": parsed.decoder} if component == "parser" else {}
        if component in SPAN_COMPONENTS:
            options = {"encoding": parsed.encoding}
        options.update(transformer=transformers[name], trust=parsed.trust, trim_to=trim_to)
        sources.append(StudentSource(component, archive, name, options, configs.get(name, {})))
    meta: Dict[str, Any] = {"name": parsed.name, "version": parsed.version}
    if parsed.sources:
        meta["sources"] = _sources(parsed.sources)
    for entry in META:
        if getattr(parsed, entry):
            meta[entry] = getattr(parsed, entry)
    sentences = parsed.sentences or "sentencizer"
    nlp = build_pipeline(sources, parsed.lang, meta, sentences, parsed.int8)
    students = [nlp.get_pipe(name).student for _, name, _ in parsed.students or []]
    if trim_to is not None and not any(student.extra == "transformer" for student in students):
        raise BridgeError(
            "--trim-vocabulary needs a student that reads word pieces, and there is none"
        )
    if parsed.scores:
        nlp.meta["performance"] = measure(nlp, parsed.scores, parsed.gold_tokens)
    folder = save_pipeline(nlp, parsed.output, parsed.force, parsed.license_file)
    print(folder)
    if parsed.build == "wheel":
        print(build_wheel(folder, parsed.output, isolation=not parsed.no_isolation))
    return 0


def _refuse_idle_options(parsed: argparse.Namespace) -> None:
    given = {component for component, _, _ in parsed.students or []}
    for option, idle, components in (
        ("decoder", None, {"parser"}),
        ("encoding", None, set(SPAN_COMPONENTS)),
    ):
        value = getattr(parsed, option)
        if given and value != idle and not components & given:
            raise BridgeError(
                f"--{option} {value} needs a {' or '.join(sorted(components))}, and there is none"
            )
    if parsed.sentences and "senter" in given:
        raise BridgeError(
            f"--sentences {parsed.sentences} cannot be combined with --senter, which sets the "
            "boundaries"
        )
    if parsed.gold_tokens and not parsed.scores:
        raise BridgeError("--gold-tokens needs --scores")


def _sources(path: Path) -> List[Dict[str, str]]:
    """Returns spaCy's list of sources for `meta.json`."""
    try:
        sources = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BridgeError(f"{path} must contain JSON: {error}") from error
    for source in sources if isinstance(sources, list) else [sources]:
        if not isinstance(source, dict) or not set(source) <= set(SOURCE) or "name" not in source:
            raise BridgeError(
                f"{path} must contain a list of objects with name and, if known, url, author and "
                f"license; found {source!r}"
            )
    return list(sources) if isinstance(sources, list) else [sources]


def _configs(parsed: argparse.Namespace) -> Dict[str, Dict[str, Any]]:
    """Returns the options of `--set` by component. A value is JSON, or otherwise text."""
    names = [name for _, name, _ in parsed.students or []]
    configs: Dict[str, Dict[str, Any]] = {}
    for setting in parsed.set:
        place, equals, text = setting.partition("=")
        name, dot, option = place.partition(".")
        if not (equals and dot and option):
            raise BridgeError(f"--set must have the form NAME.OPTION=VALUE, found {setting!r}")
        if name not in names:
            raise BridgeError(
                f"--set {setting} names no component of the pipeline: expected one of "
                f"{', '.join(names)}"
            )
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        configs.setdefault(name, {})[option] = value
    return configs
