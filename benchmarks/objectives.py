"""Objectives: what each costs, forward and backward, on chains and on trees, and what it leaves of a training step.

Chains are timed against the NLL of stock's CRF, trees against the loss of gold heads and labels. Random scores, 32
sentences of one length, sizes beside the names. A step is that of `training_step`'s tagger with the store, without
embedder, encoder and optimizer: with gold (alpha 0.5) and without (alpha 1), against `structural` with gold. One
thread; seconds are those of the processor, which a busy machine does not lengthen.
"""

from typing import List

from benchmarks.command import Options, run, settings
from benchmarks.report import Report


def measure(options: Options) -> Report:
    """Everything."""
    from benchmarks.measures import chain_objectives, objective_steps, tree_objectives
    from benchmarks.setups.chains import SPREAD
    from benchmarks.setups.treebank import BATCH_SIZE, treebank

    treebank()  # says so if there is none
    report = Report("objectives", settings(options, batch_size=BATCH_SIZE, spread=SPREAD))
    for part in (chain_objectives, tree_objectives, objective_steps):
        part.measure(report, options)
    return report


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks objectives`."""
    run("objectives", measure, arguments, __doc__)
