"""`allennlp kd-score`: score the sentences of a distillation ahead of time."""

import argparse
import json
import logging
from copy import deepcopy
from typing import Any, Dict, Iterator, List

from allennlp.commands.subcommand import Subcommand
from overrides import overrides

from allennlp_kd.commands.errors import one_line_errors
from allennlp_kd.commands.store_parameters import (
    add_arguments,
    configuration,
    has_store,
    store_of,
)

logger = logging.getLogger(__name__)

DATA_PATHS = ("train_data_path", "validation_data_path", "test_data_path")


@Subcommand.register("kd-score")
class KdScore(Subcommand):
    """Scores the training and validation sentences of a distillation and saves the scores in its
    store.

    Training does the same if the store is incomplete; this command does it ahead of time. It first
    prints the disk space that the scores will take. An interrupted run continues where it stopped.
    """

    @overrides
    def add_subparser(self, parser: argparse._SubParsersAction) -> argparse.ArgumentParser:
        description = (
            "Score the sentences of a distillation into the store that its configuration names."
        )
        subparser = parser.add_parser(self.name, description=description, help=description)
        add_arguments(subparser)
        subparser.add_argument(
            "--data",
            nargs="+",
            choices=DATA_PATHS,
            help=f"the data to score (default: {' and '.join(DATA_PATHS[:2])})",
        )
        subparser.add_argument(
            "--dry-run",
            action="store_true",
            help="only estimate the disk space of the missing scores",
        )
        one_line_errors(subparser, score)
        return subparser


def score(arguments: argparse.Namespace) -> None:
    """Scores the data of a configuration into its store; `arguments` are those of `kd-score`."""
    # The imports below are slow, and every `allennlp` command imports this module.
    from allennlp.common import Params
    from allennlp.common.checks import ConfigurationError
    from allennlp.data import DatasetReader

    from allennlp_kd.fields.teacher_words import TeacherWords
    from allennlp_kd.teachers.teacher import Teacher

    given = configuration(arguments)
    has = {name: given[name] for name in DATA_PATHS if given.get(name) is not None}
    stored = [name for name in has if has_store(_reader_of(name, given))]
    absent = [name for name in arguments.data or () if name not in stored]
    if absent:
        raise ConfigurationError(
            f"{arguments.param_path} has no {', '.join(absent)} to score; it has "
            f"{', '.join(stored)}"
        )
    chosen = [name for name in arguments.data or DATA_PATHS[:2] if name in stored]

    def instances(name: str, teacher_inputs: bool) -> Iterator[Any]:
        reader = {**_reader_of(name, given), "teacher_inputs": teacher_inputs}
        return DatasetReader.from_params(Params(deepcopy(reader))).read(has[name])

    by_store: Dict[str, List[str]] = {}
    for name in chosen:
        store = json.dumps(store_of(_reader_of(name, given)), sort_keys=True)
        by_store.setdefault(store, []).append(name)
    for store, names in by_store.items():
        sentences = (
            TeacherWords.sentence_of(each) for name in names for each in instances(name, False)
        )
        logger.info("%s", Teacher.from_params(Params(json.loads(store))).need(sentences))
    for name in chosen if not arguments.dry_run else ():
        number = sum(1 for _ in instances(name, True))
        logger.info(
            "%s: the store contains the scores of all %d sentences of %s", name, number, has[name]
        )


def _reader_of(name: str, given: Dict[str, Any]) -> Dict[str, Any]:
    """Returns the parameters of the reader that `allennlp train` uses for a file."""
    other = None if name == DATA_PATHS[0] else given.get("validation_dataset_reader")
    return other or given["dataset_reader"]
