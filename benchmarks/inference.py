"""Serving: packaged students in spaCy over `allennlp predict` and over spaCy's small English pipeline.

Sentences of EWT's dev split, already split into words, in docs of one sentence. Start-up is reported apart.
The small students part_of_speech-small.tar.gz and parsing-small.tar.gz are taken from the folder that
ALLENNLP_KD_STUDENTS names; without it, a BiLSTM with random weights is measured. The teacher's speed is
measured where ALLENNLP_KD_TEACHERS is set.
"""

import tempfile
from pathlib import Path
from typing import List

from benchmarks.command import Options, run, settings
from benchmarks.report import Report


def measure(options: Options) -> Report:
    """Everything."""
    from benchmarks.measures import serving, start_up
    from benchmarks.setups import served
    from benchmarks.setups.treebank import BATCH_SIZE, treebank

    treebank("dev")  # says so if there is none
    report = Report("inference", settings(options, batch_size=BATCH_SIZE))
    with tempfile.TemporaryDirectory() as folder:
        archives = served.students(Path(folder), options.quick)
        serving.measure(report, options, archives)
        start_up.measure(report, options, archives)
    return report


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks inference`."""
    run("inference", measure, arguments, __doc__)
