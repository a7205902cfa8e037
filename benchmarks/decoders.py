"""Decoders: AllenNLP's search for the best tree, and the student's `stock` and `exact`, on EWT's dev split.

The parser is the stock archive parser-ewt-minilm6.tar.gz in the folder that ALLENNLP_KD_TEACHERS names; all sides have
its weights. Counted are the sentences on which two sides give other heads or labels, and those of them on which the two
trees' sums of probabilities, which stock searches by, are within 1e-6.
"""

from typing import List

from benchmarks.command import Options, run, settings
from benchmarks.report import Report


def measure(options: Options) -> Report:
    """Everything."""
    from benchmarks.measures import tree_decoders

    report = Report("decoders", settings(options))
    tree_decoders.measure(report, options)
    return report


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks decoders`."""
    run("decoders", measure, arguments, __doc__)
