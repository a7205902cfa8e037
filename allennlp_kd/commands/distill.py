"""`allennlp kd-distill`: score, train, compare and package in one command."""

import argparse
import json
import time
from copy import deepcopy
from pathlib import Path
from typing import Any, Callable, Dict, List

from allennlp.commands.subcommand import Subcommand
from overrides import overrides

from allennlp_kd.commands.errors import one_line_errors
from allennlp_kd.commands.store_parameters import add_arguments, configuration, store_of

# The option of `python -m spacy_bridge package` for each kind of student.
COMPONENTS = ("ner", "chunker", "tagger", "pos", "parser")
PHRASES = ("NP", "VP", "PP")
"""The span types that identify a chunker; other types are entities."""


@Subcommand.register("kd-distill")
class KdDistill(Subcommand):
    """Scores the transfer set, trains the student, compares it with its teacher on the dev set, and
    packages it for spaCy.

    Each part continues where an interrupted run stopped. Finished parts are not repeated.
    """

    @overrides
    def add_subparser(self, parser: argparse._SubParsersAction) -> argparse.ArgumentParser:
        description = (
            "Distill a student: score, train, compare with the teacher, package for spaCy."
        )
        subparser = parser.add_parser(self.name, description=description, help=description)
        add_arguments(subparser)
        subparser.add_argument(
            "-s", "--serialization-dir", required=True, help="the folder of the training run"
        )
        subparser.add_argument(
            "--package",
            metavar="NAME",
            help="the name of the spaCy pipeline to package the student in",
        )
        subparser.add_argument(
            "--component",
            choices=COMPONENTS,
            help="the component that the student becomes (default: parser, chunker or tagger, by its "
            "structure and encoding)",
        )
        subparser.add_argument(
            "--int8", action="store_true", help="round the packaged weights to 8 bits"
        )
        subparser.add_argument(
            "--language", default="en", help="the language of the pipeline, as spaCy's code"
        )
        one_line_errors(subparser, _distill)
        return subparser


def _distill(arguments: argparse.Namespace) -> None:
    given = configuration(arguments)
    run = Path(arguments.serialization_dir)
    parts: List[Any] = [("score", lambda: _score(arguments)), ("train", lambda: _train(given, run))]
    if store_of(given["dataset_reader"])["teacher"].get("type") == "archive":
        parts.append(("compare", lambda: _compare(given, run)))
    if arguments.package:
        parts.append(("package", lambda: _package(arguments, given, run)))
    for number, (name, part) in enumerate(parts, start=1):
        _timed(f"[{number}/{len(parts)}] {name}", part)


def _timed(name: str, part: Callable[[], str]) -> None:
    print(f"{name} ...", flush=True)
    started = time.monotonic()
    found = part()
    print(f"{name}: {found} ({time.monotonic() - started:,.0f} s)", flush=True)


def _score(arguments: argparse.Namespace) -> str:
    from allennlp_kd.commands.score import score

    score(argparse.Namespace(**vars(arguments), data=None, dry_run=False))
    return "the scores of all sentences are in the store"


def _train(given: Dict[str, Any], run: Path) -> str:
    from allennlp.commands.train import train_model
    from allennlp.common import Params

    if not (run / "model.tar.gz").is_file():
        started = (run / "config.json").is_file()
        # Building an object removes its parameters from `params`.
        train_model(Params(deepcopy(given)), str(run), recover=started)
        what = "recovered" if started else "trained"
    else:
        what = "already trained"
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    name = given["trainer"]["validation_metric"].lstrip("+-")
    best = metrics.get(f"best_validation_{name}")
    return f"{what}, {name} on the dev set {best:.4f}" if best is not None else what


def _compare(given: Dict[str, Any], run: Path) -> str:
    from allennlp_kd.report.numbers.comparison import compare
    from allennlp_kd.report.plots.plot_style import require_matplotlib
    from allennlp_kd.report.write_report import PAGE, write

    require_matplotlib()
    page = run / "report" / PAGE
    if page.is_file():
        return f"{page} already exists"
    teacher = store_of(given["dataset_reader"])["teacher"]
    report = compare(
        teacher["archive_file"],
        {"student": str(run)},
        given["validation_data_path"],
        transformer=teacher.get("transformer"),
        trust=teacher.get("trust", False),
    )
    write(report, run / "report")
    metric = report["metric"]
    scores = [model["scores"][metric] for model in report["models"]]
    return f"{metric}: teacher {scores[0]:.4f}, student {scores[1]:.4f}; the report is {page}"


def _package(arguments: argparse.Namespace, given: Dict[str, Any], run: Path) -> str:
    from allennlp.common.checks import ConfigurationError

    from spacy_bridge.__main__ import main

    archive = run / "model.tar.gz"
    component = arguments.component or _component(given["model"]["student"], archive)
    command = ["package", str(run / "package"), f"--{component}", str(archive), "--force"]
    command += ["--name", arguments.package, "--lang", arguments.language]
    if main(command + (["--int8"] if arguments.int8 else [])):
        raise ConfigurationError(f"the student in {run} could not be packaged (see above)")
    (folder,) = (run / "package").glob(f"{arguments.language}_{arguments.package}-*/")
    return f'nlp = spacy.load("{folder}")'


def _component(student: Dict[str, Any], archive: Path) -> str:
    """Returns `parser`, or for tags `tagger`, `chunker` or `ner`, depending on their encoding and
    span types.
    """
    if "parser" in student["type"]:
        return "parser"
    if student.get("label_encoding") is None:
        return "tagger"
    from spacy_bridge.packaging.archive.student_archive import StudentArchive

    labels = StudentArchive(archive).labels("labels")
    return "chunker" if any(label[2:] in PHRASES for label in labels) else "ner"
