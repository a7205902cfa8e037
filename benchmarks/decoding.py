"""Decoding: batched Viterbi and k-best compared with AllenNLP's `viterbi_tags`.

Sentences as long as EWT's, 32 a batch, random scores. Both sides give lists of tags. Then a parser:
the label scores of all pairs, the evaluation of EWT dev and the memory of parsing, over stock's.
"""

from typing import List

from benchmarks.command import Options, run, settings
from benchmarks.report import Report


def measure(options: Options) -> Report:
    """Everything."""
    from benchmarks.measures import chain_decoding, parser_decoding
    from benchmarks.setups.chains import SPREAD
    from benchmarks.setups.treebank import BATCH_SIZE

    report = Report("decoding", settings(options, batch_size=BATCH_SIZE, spread=SPREAD))
    chain_decoding.measure(report, options)
    parser_decoding.measure(report, options)
    return report


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks decoding`."""
    run("decoding", measure, arguments, __doc__)
