"""Growth: time and memory against the length of sentences, tags, the size of the corpus, and workers.

Of a chain's algorithms and objective, a distillation's training step, scoring by the teacher, serving. Seconds are of
the processor, one thread. Exponents are slopes of logarithms, fitted by least squares over the larger half of the
sizes, where what a call costs at any size no longer counts. Data are made up.
"""

from typing import List

from benchmarks.command import Options, run, settings
from benchmarks.report import Report


def measure(options: Options) -> Report:
    """Everything."""
    from benchmarks.measures import (
        growth_by_workers,
        growth_of_chains,
        growth_of_corpora,
        growth_of_sentences,
    )

    report = Report("scaling", settings(options))
    for part in (growth_of_chains, growth_of_sentences, growth_of_corpora, growth_by_workers):
        part.measure(report, options)
    return report


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks scaling`."""
    run("scaling", measure, arguments, __doc__)
