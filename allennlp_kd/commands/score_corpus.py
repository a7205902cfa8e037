"""`allennlp kd-score-corpus`: score a transfer corpus in any number of processes."""

import argparse
import json
import logging
import os
import uuid

from allennlp.commands.subcommand import Subcommand
from overrides import overrides

from allennlp_kd.commands.errors import one_line_errors
from allennlp_kd.commands.store_parameters import add_arguments, configuration, store_of
from spacy_bridge.corpus import command_line

logger = logging.getLogger(__name__)


@Subcommand.register("kd-score-corpus")
class KdScoreCorpus(Subcommand):
    """Scores files of text, CoNLL-U or Parquet into the store that a distillation's configuration
    names.

    The corpus is cut into shards. They are scored in this process, in several processes or on a Dask
    cluster, with the same bytes as result. An interrupted run continues with the missing shards.
    """

    @overrides
    def add_subparser(self, parser: argparse._SubParsersAction) -> argparse.ArgumentParser:
        description = "Score a corpus into the store that a distillation's configuration names."
        subparser = parser.add_parser(self.name, description=description, help=description)
        add_arguments(subparser)
        command_line.add_arguments(subparser)
        words = subparser.add_mutually_exclusive_group()
        words.add_argument(
            "--language", default="en", help="the language of the text, as spaCy's code"
        )
        words.add_argument(
            "--tokenized",
            action="store_true",
            help="words of the text are separated by white space",
        )
        subparser.add_argument(
            "--tags",
            choices=["upos", "xpos", "none"],
            default="upos",
            help="the column of CoNLL-U with the tags, for a teacher that reads tags",
        )
        subparser.add_argument(
            "--threads", type=int, default=1, help="the number of threads of each worker"
        )
        one_line_errors(subparser, _score)
        return subparser


def _score(arguments: argparse.Namespace) -> None:
    # The imports below are slow, and every `allennlp` command imports this module.
    from allennlp.common.checks import ConfigurationError

    from allennlp_kd.commands.shard_scorer import ShardScorer
    from spacy_bridge.corpus.engine import run
    from spacy_bridge.corpus.errors import ShardsError
    from spacy_bridge.corpus.planning import plan

    teacher = store_of(configuration(arguments)["dataset_reader"])
    teacher["directory"] = os.path.abspath(teacher["directory"])
    inputs = [os.path.abspath(path) for path in arguments.inputs]
    scorer = ShardScorer(
        teacher=json.dumps(teacher, sort_keys=True),
        language=None if arguments.tokenized else arguments.language,
        tags=arguments.tags,
        threads=arguments.threads,
        packages=("allennlp_kd.plugin", *(getattr(arguments, "include_package", None) or ())),
        run=uuid.uuid4().hex,
    )
    try:
        pieces = list(plan(inputs, arguments.format, arguments.column, arguments.shard))
        # Opens the store here, even if it is complete: an error in teacher or store is raised once.
        todo = [piece for piece in pieces if not scorer.is_done(piece)]
        logger.info("%d shards, of which %d exist already", len(pieces), len(pieces) - len(todo))
        results = run(scorer, todo, arguments.workers, arguments.scheduler)
        summary = command_line.report(results, len(pieces), sum(p.sentences for p in todo))
    except ShardsError as error:
        raise ConfigurationError(str(error)) from error
    print(summary)
