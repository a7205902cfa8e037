"""What the objectives leave of a training step that is neither embedder, encoder nor optimizer."""

import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict

import torch

from benchmarks.command import Options
from benchmarks.measures.steps import whole
from benchmarks.measures.tagger_steps import without_encoder
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.students import Setup, build
from benchmarks.setups.tagger import tagger
from benchmarks.setups.treebank import BATCH_SIZE, treebank

OBJECTIVES: Dict[str, Dict[str, Any]] = {
    "structural": {"type": "structural"},
    "predictions": {},
    "scores": {"match": "scores"},
}
# By objective and alpha, how much of the rest of a step with `structural` and gold.
BOUNDS = {
    ("predictions", 0.5): 0.6,
    ("scores", 0.5): 0.6,
    ("predictions", 1.0): 0.3,
    ("scores", 1.0): 0.1,
}


def measure(report: Report, options: Options) -> None:
    """Adds the seconds of one batch, and the targets."""
    recipe, sizes = tagger("upos"), {}
    if options.quick:
        recipe = tagger("upos", hidden_size=8)
        sizes = dict(max_instances=2 * BATCH_SIZE, warm_up=1, num_batches=1)
    torch.set_num_threads(options.threads[0])
    with tempfile.TemporaryDirectory() as folder:
        setup = build(
            recipe, treebank(), Path(folder), options.seed, objectives=OBJECTIVES, **sizes
        )
        functions = {}
        for name, alpha in [("structural", 0.5), *BOUNDS]:
            label = f"{name}, {'with gold' if alpha < 1 else 'without gold'}"
            rest = without_encoder(setup, name, setup.shuffled)
            functions[f"{label}: all but the encoder"] = _at(setup, name, alpha, rest)
            step = whole(setup, name, setup.shuffled)
            functions[f"{label}: step"] = _at(setup, name, alpha, step)
        timings = alternate(functions, options.rounds, clock=time.process_time)
    batches = len(setup.shuffled)
    medians = {name: timing.median / batches for name, timing in timings.items()}
    report.add("step, s", medians)
    reference = medians["structural, with gold: all but the encoder"]
    for (name, alpha), bound in BOUNDS.items():
        label = f"{name}, {'with gold' if alpha < 1 else 'without gold'}"
        ratio = medians[f"{label}: all but the encoder"] / reference
        report.targets.append(
            Target(f"{label} / structural with gold, all but the encoder", ratio, bound)
        )
        whole_step = medians[f"{label}: step"] / medians["structural, with gold: step"]
        report.notes[f"{label} / structural with gold, whole step"] = whole_step


def _at(setup: Setup, name: str, alpha: float, run: Callable[[], None]) -> Callable[[], None]:
    """The same, with this weight of the objective."""

    def at_alpha() -> None:
        setup.distilled[name].alpha = alpha
        run()

    return at_alpha
