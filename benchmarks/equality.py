"""Equality: what a packaged student says in spaCy against `allennlp predict --use-dataset-reader`.

Whole corpora, the same words on both sides: for students, the test sets of their tasks; for teachers, EWT's dev split
and CoNLL-2000's and WNUT-17's test. Students are the archives TASK-SIZE.tar.gz in the folder that ALLENNLP_KD_STUDENTS
names (without them, two with random weights); teachers are the archives with a transformer in ALLENNLP_KD_TEACHERS. A
sentence with another answer is a tie where the two answers' scores are within 1e-4. Beside it, how often 8-bit weights
agree, and what they cost.
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
