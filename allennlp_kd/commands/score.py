"""`allennlp kd-score`: score the sentences of an experiment ahead of time."""

import argparse
import logging

from allennlp.commands.subcommand import Subcommand
from overrides import overrides

logger = logging.getLogger(__name__)

DATA_PATHS = ("train_data_path", "validation_data_path", "test_data_path")


@Subcommand.register("kd-score")
class KdScore(Subcommand):
    """Scores the training and validation sentences of a distillation into its store.

    Training does the same when it finds the store incomplete; this does it without training.
    Stopped and started again, it goes on where it was.
    """

    @overrides
    def add_subparser(self, parser: argparse._SubParsersAction) -> argparse.ArgumentParser:
        description = (
            "Score the sentences of a distillation's configuration into the store that it names."
        )
        subparser = parser.add_parser(self.name, description=description, help=description)
        subparser.add_argument(
            "param_path", type=str, help="path to the configuration of the training"
        )
        subparser.add_argument(
            "-o",
            "--overrides",
            type=str,
            default="",
            help="a JSON(NET) structure, as for `allennlp train`",
        )
        subparser.add_argument(
            "--data",
            nargs="+",
            choices=DATA_PATHS,
            default=list(DATA_PATHS[:2]),
            help="which of the configuration's data to score",
        )
        subparser.set_defaults(func=_score)
        return subparser


def _score(arguments: argparse.Namespace) -> None:
    # What follows is slow to import, and every `allennlp` command imports this module.
    from allennlp.common import Params
    from allennlp.common.checks import ConfigurationError
    from allennlp.data import DatasetReader

    params = Params.from_file(arguments.param_path, arguments.overrides)
    reader_params = params["dataset_reader"]
    found = reader_params.get("type")
    teacher = reader_params.get("teacher") if found == "distillation" else None
    if teacher is None or teacher.get("type") != "store":
        raise ConfigurationError(
            f"{arguments.param_path} has no store to score into: its dataset_reader must be of "
            f"type 'distillation', found '{found}', with a teacher of type 'store'"
        )
    reader_params["teacher_inputs"] = True
    reader = DatasetReader.from_params(reader_params)
    for name in arguments.data:
        path = params.get(name)
        if path is None:
            continue
        sentences = sum(1 for _ in reader.read(path))
        logger.info("%s: the store has the scores of all %d sentences of %s", name, sentences, path)
