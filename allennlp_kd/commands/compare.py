"""`allennlp kd-compare`: compare a teacher and its students on a labeled file."""

import argparse
import logging
from pathlib import Path
from typing import Dict, Sequence

from allennlp.commands.subcommand import Subcommand
from allennlp.common.checks import ConfigurationError
from overrides import overrides

from allennlp_kd.commands.errors import one_line_errors

logger = logging.getLogger(__name__)


@Subcommand.register("kd-compare")
class KdCompare(Subcommand):
    """Compares a teacher and its students in a report: one HTML page, its numbers as JSON, its plots."""

    @overrides
    def add_subparser(self, parser: argparse._SubParsersAction) -> argparse.ArgumentParser:
        description = "Compare a teacher and its students on a labeled file, and write a report."
        subparser = parser.add_parser(self.name, description=description, help=description)
        subparser.add_argument(
            "--teacher",
            required=True,
            help="the teacher: an AllenNLP archive or the folder of its run, or any other that kd-init "
            "takes; or the configuration of a distillation (.jsonnet), whose teacher is compared",
        )
        subparser.add_argument(
            "--student",
            required=True,
            nargs="+",
            action="extend",
            metavar="NAME=PATH",
            help="a student's name and its archive, or the folder of its training run, which adds "
            "its training curves",
        )
        subparser.add_argument(
            "--plain",
            metavar="NAME",
            help="the student that had no teacher; the gap recovered is measured against it",
        )
        subparser.add_argument(
            "--data", required=True, help="an annotated file, read by the first student's reader"
        )
        subparser.add_argument("--output", required=True, help="the folder to write the report to")
        subparser.add_argument(
            "--sentences",
            type=int,
            default=20,
            help="the number of sentences to show per student, those that differ most",
        )
        subparser.add_argument("--cuda-device", type=int, default=-1, help="the GPU; -1 is the CPU")
        subparser.add_argument(
            "--transformer",
            metavar="FOLDER",
            help="the folder of the teacher's transformer, used instead of the name in its archive",
        )
        subparser.add_argument(
            "--trust",
            action="store_true",
            help="let the archives name files and models outside themselves",
        )
        one_line_errors(subparser, _compare)
        return subparser


def _compare(arguments: argparse.Namespace) -> None:
    # What follows is slow to import, and every `allennlp` command imports this module.
    from allennlp_kd.commands.compared_teacher import find_teacher
    from allennlp_kd.report.numbers.comparison import compare
    from allennlp_kd.report.plots.plot_style import require_matplotlib
    from allennlp_kd.report.write_report import PAGE, write

    require_matplotlib()
    if arguments.sentences < 0:
        raise ConfigurationError(f"--sentences must be at least 0, found {arguments.sentences}")
    output = Path(arguments.output)
    if output.exists() and not output.is_dir():
        raise ConfigurationError(f"--output must be a folder, found the file {output}")
    report = compare(
        find_teacher(arguments.teacher, arguments.transformer, arguments.trust),
        _named(arguments.student),
        arguments.data,
        plain=arguments.plain,
        most_sentences=arguments.sentences,
        cuda_device=arguments.cuda_device,
        transformer=arguments.transformer,
        trust=arguments.trust,
    )
    write(report, output)
    logger.info("the report is %s", output / PAGE)


def _named(students: Sequence[str]) -> Dict[str, str]:
    found: Dict[str, str] = {}
    for each in students:
        name, equals, path = each.partition("=")
        if not (name and equals and path):
            raise ConfigurationError(f"--student must be NAME=PATH, found '{each}'")
        if name in found:
            raise ConfigurationError(f"two students have the name '{name}'")
        found[name] = path
    return found
