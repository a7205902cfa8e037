"""Equality: what a packaged student says in spaCy against `allennlp predict --use-dataset-reader`.

Whole corpora, the same words on both sides: EWT's dev split and CoNLL-2000's and WNUT-17's test. Students are taken
from the folder that ALLENNLP_KD_STUDENTS names (tagger.tar.gz, parser.tar.gz, chunker.tar.gz; without it they have
random weights), stock archives with a transformer from ALLENNLP_KD_TEACHERS. A sentence with another answer is a tie
where the two answers' scores are within 1e-4. Beside it, how often 8-bit weights agree, and what they cost.
"""

from typing import List

from benchmarks.command import Options, run, settings
from benchmarks.report import Report


def measure(options: Options) -> Report:
    """All archives that are there."""
    from benchmarks.measures import agreement
    from benchmarks.setups.treebank import treebank

    treebank("dev")  # says so if there is none
    report = Report("equality", settings(options))
    agreement.measure(report, options)
    return report


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks equality`."""
    run("equality", measure, arguments, __doc__)
