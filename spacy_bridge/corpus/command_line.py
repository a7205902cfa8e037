"""Arguments and progress reports of the commands that process a corpus."""

import argparse
import sys
import time
from typing import Iterable, NamedTuple, TextIO

from spacy_bridge.corpus.formats import FORMATS
from spacy_bridge.corpus.planning import SENTENCES

EVERY = 5.0  # seconds between two progress reports


class Done(NamedTuple):
    """The result for one piece.

    # Parameters

    name : `str`
        Of its file.
    sentences : `int`
    made : `bool`
        Whether it was made now, or existed.
    """

    name: str
    sentences: int
    made: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments for the corpus, its pieces and the workers."""
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="the files of the corpus, as the workers see them",
    )
    parser.add_argument(
        "--format", choices=list(FORMATS), help="the format, if the suffixes do not tell it"
    )
    parser.add_argument(
        "--column", default="", help="the column of Parquet files: words (default) or text"
    )
    parser.add_argument(
        "--shard", type=int, default=SENTENCES, help="the number of sentences in a shard"
    )
    parser.add_argument(
        "--workers",
        type=int,
        help="the number of processes to start on this machine (default: only this one)",
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="the address of a Dask scheduler, tcp://HOST:PORT"
    )


def report(results: Iterable[Done], shards: int, sentences: int, file: TextIO = sys.stderr) -> str:
    """Prints progress and the remaining time, and a summary at the end.

    # Parameters

    results : `Iterable[Done]`
    shards, sentences : `int`
        All that there are, of which `results` may leave out some.
    """
    started = said = time.monotonic()
    made = made_shards = seen = 0
    for result in results:
        seen += result.sentences
        made += result.sentences * result.made
        made_shards += result.made
        now = time.monotonic()
        if now - said >= EVERY:
            said, speed = now, seen / (now - started)
            print(
                f"{seen:,} of {sentences:,} sentences, {speed:,.0f} per second, about "
                f"{(sentences - seen) / speed:,.0f} s remaining",
                file=file,
                flush=True,
            )
    seconds = max(time.monotonic() - started, 1e-9)
    return (
        f"{made_shards:,} shards of {made:,} sentences made in {seconds:,.1f} s "
        f"({made / seconds:,.1f} sentences/s); {shards - made_shards:,} existed"
    )
