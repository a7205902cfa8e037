"""`allennlp kd-score`: score the sentences of an experiment ahead of time."""

import argparse
import logging

from allennlp.commands.subcommand import Subcommand
from overrides import overrides

from allennlp_kd.commands.store_parameters import add_arguments, configuration, store_of

logger = logging.getLogger(__name__)

DATA_PATHS = ("train_data_path", "validation_data_path", "test_data_path")


@Subcommand.register("kd-score")
class KdScore(Subcommand):
    """Scores the training and validation sentences of a distillation into its store.

    Training does the same when it finds the store incomplete; this does it without training. It
    says beforehand what the scores will take on disk. Stopped and started again, it goes on where
    it was.
    """

    @overrides
    def add_subparser(self, parser: argparse._SubParsersAction) -> argparse.ArgumentParser:
        description = (
            "Score the sentences of a distillation's configuration into the store that it names."
        )
        subparser = parser.add_parser(self.name, description=description, help=description)
        add_arguments(subparser)
        subparser.add_argument(
            "--data",
            nargs="+",
            choices=DATA_PATHS,
            help="which of the configuration's data to score; by default those of "
            f"{' and '.join(DATA_PATHS[:2])} that it has",
        )
        subparser.add_argument(
            "--dry-run",
            action="store_true",
            help="only say what the scores that are missing will take on disk",
        )
        subparser.set_defaults(func=_score)
        return subparser


def _score(arguments: argparse.Namespace) -> None:
    # What follows is slow to import, and every `allennlp` command imports this module.
    from allennlp.common import Params
    from allennlp.common.checks import ConfigurationError
    from allennlp.data import DatasetReader

    from allennlp_kd.teachers.sentence import Sentence
    from allennlp_kd.teachers.teacher import Teacher

    given = configuration(arguments)
    reader_params = Params(given)["dataset_reader"]
    teacher = Params(store_of(given))
    has = [name for name in DATA_PATHS if given.get(name) is not None]
    absent = [name for name in arguments.data or () if name not in has]
    if absent:
        raise ConfigurationError(
            f"{arguments.param_path} has no {', '.join(absent)} to score; it has {', '.join(has)}"
        )
    paths = {name: given[name] for name in arguments.data or DATA_PATHS[:2] if name in has}
    plain = reader_params.duplicate()
    plain["teacher_inputs"] = False
    reader = DatasetReader.from_params(plain)
    sentences = (Sentence.of(instance) for path in paths.values() for instance in reader.read(path))
    need = Teacher.from_params(teacher.duplicate()).need(sentences)
    logger.info("%s", need)
    if arguments.dry_run:
        return
    reader_params["teacher_inputs"] = True
    reader = DatasetReader.from_params(reader_params)
    for name, path in paths.items():
        sentences = sum(1 for _ in reader.read(path))
        logger.info("%s: the store has the scores of all %d sentences of %s", name, sentences, path)
