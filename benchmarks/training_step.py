"""A training step: distillation with the store, the plain student, AllenNLP's model.

EWT part-of-speech, words and characters, 2-layer BiLSTM of 200, batch 32, alpha 0.5 with gold. Then the
losses by themselves, forward and backward, and the memory of a step. Then the same of a parser.
"""

from typing import List

from benchmarks.command import Options, run, settings
from benchmarks.report import Report


def measure(options: Options) -> Report:
    """Everything."""
    from benchmarks.measures import chain_losses, parser_steps, tagger_memory, tagger_steps
    from benchmarks.setups.treebank import BATCH_SIZE

    report = Report("training_step", settings(options, batch_size=BATCH_SIZE))
    for part in (tagger_steps, chain_losses, tagger_memory, parser_steps):
        part.measure(report, options)
    return report


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks training_step`."""
    run("training_step", measure, arguments, __doc__)
