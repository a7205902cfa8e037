"""The command `python -m spacy_bridge annotate`."""

import argparse
from pathlib import Path
from typing import Any

from spacy_bridge.corpus import command_line
from spacy_bridge.errors import BridgeError

OUTPUTS = ("spacy", "parquet")


def add_command(commands: Any) -> None:
    """Adds the command to the bridge's commands."""
    text = "Annotates a corpus with a pipeline, in one process, in several or on a Dask cluster."
    parser = commands.add_parser("annotate", help=text, description=text)
    parser.set_defaults(run=_annotate)
    parser.add_argument(
        "pipeline", help="the folder of a pipeline, or the name of an installed one"
    )
    command_line.add_arguments(parser)
    parser.add_argument(
        "--output", type=Path, required=True, help="the output folder, as the workers see it"
    )
    parser.add_argument(
        "--user-data",
        action="store_true",
        help="keep doc.user_data and custom attributes, which may hold any object (DocBin only)",
    )
    parser.add_argument(
        "--to", choices=OUTPUTS, default="spacy", help="the format: DocBin (spacy) or Parquet"
    )


def _annotate(parsed: argparse.Namespace) -> int:
    from spacy_bridge.corpus.annotator import Annotator
    from spacy_bridge.corpus.engine import run
    from spacy_bridge.corpus.errors import ShardsError
    from spacy_bridge.corpus.output_folder import open_output
    from spacy_bridge.corpus.parquet import pyarrow
    from spacy_bridge.corpus.pipeline_digest import pipeline_digest
    from spacy_bridge.corpus.planning import plan

    try:
        if parsed.to == "parquet":
            if parsed.user_data:
                raise BridgeError("--user-data needs --to spacy, found --to parquet")
            pyarrow()  # fails early if it is missing
        digest = pipeline_digest(parsed.pipeline)
        task = Annotator(
            parsed.pipeline, digest, str(parsed.output.absolute()), parsed.to, parsed.user_data
        )
        inputs = [str(Path(name).absolute()) for name in parsed.inputs]
        pieces = list(plan(inputs, parsed.format, parsed.column, parsed.shard))
        record = {
            "pipeline": digest,
            "to": parsed.to,
            "shard": parsed.shard,
            "user_data": parsed.user_data,
        }
        open_output(Path(task.output), record, map(task.file, pieces))
        todo = [piece for piece in pieces if not task.is_done(piece)]
        results = run(task, todo, parsed.workers, parsed.scheduler)
        print(command_line.report(results, len(pieces), sum(piece.sentences for piece in todo)))
    except ShardsError as error:
        raise BridgeError(str(error)) from error
    return 0
