"""Where the time of packaged students goes: microseconds a word by stage, and by operator of their networks.

Sentences of EWT's dev split, already split into words, in docs of one sentence, on one thread. Times are of the
processor, not of the clock on the wall, so that other processes disturb them less. Every archive of the folder
that ALLENNLP_KD_STUDENTS names is profiled, in float and in 8 bits. Without it, students of the shipped sizes with
random weights are, whose trees are harder to find than those of trained ones. The same components of spaCy's small
English pipeline run in the same rounds, where it is installed.
"""

from typing import List

from benchmarks.command import Options, run, settings
from benchmarks.report import Report


def measure(options: Options) -> Report:
    """Everything."""
    from benchmarks.measures import stages
    from benchmarks.setups.treebank import treebank

    treebank("dev")  # says so if there is none
    report = Report("profile", settings(options))
    stages.measure(report, options)
    return report


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks profile`."""
    run("profile", measure, arguments, __doc__)
