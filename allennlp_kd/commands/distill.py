"""`allennlp kd-distill`: score, train, compare and package in one command."""

import argparse
import json
import re
import time
from contextlib import redirect_stdout
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any, Callable, Dict, List

from allennlp.commands.subcommand import Subcommand
from overrides import overrides

from allennlp_kd.commands.console import quiet_console, quiet_training
from allennlp_kd.commands.errors import one_line_errors
from allennlp_kd.commands.store_parameters import add_arguments, configuration, store_of
from spacy_bridge.packaging.package_command import COMPONENTS


@Subcommand.register("kd-distill")
class KdDistill(Subcommand):
    """Scores the transfer set, trains the student, compares it with its teacher on the dev set, and
    packages it for spaCy.

    Each part continues where an interrupted run stopped. Finished parts are not repeated. The log of
    the training is in `out.log` in the folder of the run.
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
            help="the component that the student becomes (default: by its structure and labels)",
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
    quiet_console()
    _check_package(arguments)
    given = configuration(arguments)
    validation_metrics(given)
    run = Path(arguments.serialization_dir)
    _check_run(given, run)
    parts: List[Any] = [
        ("score", lambda: _score(arguments)),
        ("train", lambda: _train(given, run)),
        ("compare", lambda: _compare(given, run)),
    ]
    if arguments.package:
        parts.append(("package", lambda: _package(arguments, given, run)))
    for number, (name, part) in enumerate(parts, start=1):
        _timed(f"[{number}/{len(parts)}] {name}", part)


def _check_package(arguments: argparse.Namespace) -> None:
    """Refuses, before any work, what could not be packaged after it."""
    import spacy
    from allennlp.common.checks import ConfigurationError

    name = arguments.package
    if name is None:
        wanted = [each for each in ("component", "int8") if getattr(arguments, each)]
        if wanted:
            raise ConfigurationError(f"--{wanted[0]} is for a package: name it with --package")
        return
    if not re.fullmatch(r"\w+", name, re.ASCII):
        raise ConfigurationError(
            f"--package must be a name of letters, digits and underscores, found '{name}'"
        )
    try:
        spacy.util.get_lang_class(arguments.language)
    except ImportError as error:
        raise ConfigurationError(
            f"--language must be a code that spaCy knows, such as en, found '{arguments.language}'"
        ) from error


def validation_metrics(given: Dict[str, Any]) -> List[str]:
    """Returns the names of the metrics that choose the best epoch.

    # Raises

    ConfigurationError
        If AllenNLP would refuse them when the training starts.
    """
    from allennlp.common.checks import ConfigurationError

    metric = given.get("trainer", {}).get("validation_metric", "-loss")
    names = [metric] if isinstance(metric, str) else metric
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, str) and name[:1] in ("+", "-") for name in names)
    ):
        raise ConfigurationError(
            "validation_metric must be the name of a metric after + or -, such as -loss, or a list "
            f"of such names; found {metric!r}"
        )
    return [name[1:] for name in names]


def _check_run(given: Dict[str, Any], run: Path) -> None:
    """Refuses a finished run of another configuration, which would be taken for this one's."""
    from allennlp.common.checks import ConfigurationError

    if not (run / "model.tar.gz").is_file() or not (run / "config.json").is_file():
        return
    found = json.loads((run / "config.json").read_text(encoding="utf-8"))
    same = json.loads(json.dumps(given))
    different = [name for name in {**found, **same} if found.get(name) != same.get(name)]
    if different:
        raise ConfigurationError(
            f"{run} holds a run of another configuration (its {', '.join(different)} is different): "
            "name another folder with -s"
        )


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

    from allennlp_kd.training.interruption import ARCHIVE, METRICS, is_finished

    what = "already trained"
    if not is_finished(str(run)):
        started = (run / "config.json").is_file()
        # The archive of an interrupted training must not be taken for that of its end.
        (run / ARCHIVE).unlink(missing_ok=True)
        # Building an object removes its parameters from `params`.
        with quiet_training():
            train_model(Params(deepcopy(given)), str(run), recover=started)
        what = "recovered" if started else "trained"
    metrics = json.loads((run / METRICS).read_text(encoding="utf-8"))
    best = {name: metrics.get(f"best_validation_{name}") for name in validation_metrics(given)}
    found = [f"{name} on the dev set {each:.4f}" for name, each in best.items() if each is not None]
    return ", ".join([what, *found])


def _compare(given: Dict[str, Any], run: Path) -> str:
    from allennlp_kd.commands.compared_teacher import teacher_on_cpu
    from allennlp_kd.report.numbers.comparison import NothingToCompare, compare
    from allennlp_kd.report.plots.plot_style import require_matplotlib
    from allennlp_kd.report.write_report import PAGE, write

    require_matplotlib()
    page = run / "report" / PAGE
    if page.is_file():
        return f"{page} already exists"
    if given["dataset_reader"]["teacher"].get("to") == "relative_heads":
        return "left out: the student's tags and the teacher's trees are not the same structure"
    store = store_of(given["dataset_reader"])
    # A store that was filled elsewhere may name no teacher: it has the scores itself.
    config = store.get("teacher") or store
    try:
        report = compare(
            teacher_on_cpu(config),
            {"student": str(run)},
            given["validation_data_path"],
            trust=config.get("trust", False),
        )
    except NothingToCompare as error:
        return str(error)
    write(report, run / "report")
    metric = report["metric"]
    scores = [model["scores"][metric] for model in report["models"]]
    return f"{metric}: teacher {scores[0]:.4f}, student {scores[1]:.4f}; the report is {page}"


def _package(arguments: argparse.Namespace, given: Dict[str, Any], run: Path) -> str:
    from allennlp.common.checks import ConfigurationError

    from spacy_bridge.__main__ import main

    archive = run / "model.tar.gz"
    kind = arguments.component or component(given["model"]["student"], archive)
    command = ["package", str(run / "package"), f"--{kind}", str(archive), "--force"]
    command += ["--name", arguments.package, "--lang", arguments.language]
    with redirect_stdout(StringIO()):  # it prints the folder, as the line below does
        failed = main(command + (["--int8"] if arguments.int8 else []))
    if failed:
        raise ConfigurationError(f"the student in {run} could not be packaged (see above)")
    (folder,) = (run / "package").glob(f"{arguments.language}_{arguments.package}-*/")
    return f'nlp = spacy.load("{folder}")'


def component(student: Dict[str, Any], archive: Path) -> str:
    """Returns the component that a student becomes; see `default_component`.

    # Parameters

    student : `Dict[str, Any]`
        Its part of the configuration.
    archive : `Path`
        Its archive, which has the labels of a tagger.
    """
    from spacy_bridge.components.default_component import default_component
    from spacy_bridge.packaging.archive.student_archive import StudentArchive

    if "parser" in student["type"]:
        return default_component("parser", (), None)
    labels = StudentArchive(archive).labels("labels")
    return default_component("tagger", labels, student.get("label_encoding"))
