"""A parser's training step: stock's, the student's alone, and distillations with a store."""

import tempfile
from pathlib import Path

import torch

from benchmarks.command import Options, conditions
from benchmarks.measures.steps import loading, whole
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.parser import parser
from benchmarks.setups.students import build
from benchmarks.setups.treebank import BATCH_SIZE, treebank

OBJECTIVES = {
    "distillation": {},
    "distillation, scores": {"match": "scores"},
    "distillation, arcs only": {"parts": "arcs"},
}
NAMES = {
    "stock": "stock biaffine_parser",
    "plain": "parser alone",
    **{name: f"parser {name}" for name in OBJECTIVES},
}


def measure(report: Report, options: Options) -> None:
    """Adds the medians of one batch, and the targets."""
    recipe, sizes = parser(), {}
    if options.quick:
        recipe = parser(hidden_size=8, arc_dim=8, label_dim=8)
        sizes = dict(max_instances=2 * BATCH_SIZE, warm_up=1, num_batches=1)
    with tempfile.TemporaryDirectory() as folder:
        setup = build(
            recipe, treebank(), Path(folder), options.seed, objectives=OBJECTIVES, **sizes
        )
        report.notes["labels of the parser"] = len(setup.plain.labels)
        found = []
        for condition in conditions(options):
            torch.set_num_threads(condition.threads)
            batches = setup.bucketed if condition.bucketed else setup.shuffled
            steps = {f"{NAMES[name]}: step": whole(setup, name, batches) for name in NAMES}
            timings = alternate(steps, options.rounds)
            medians = {name: timing.median / len(batches) for name, timing in timings.items()}
            load = alternate({"load": loading(setup)}, options.rounds)["load"].median
            medians["parser distillation: data loading"] = load / len(setup.loader)
            report.add(condition.label, medians)
            found.append(medians)
    step = {name: found[0][f"{NAMES[name]}: step"] for name in NAMES}
    report.targets += [
        Target("parser distillation / stock, step", step["distillation"] / step["stock"], 0.5),
        Target(
            "parser distillation / parser alone, step", step["distillation"] / step["plain"], 1.25
        ),
        Target(
            "parser distillation, scores / parser alone, step",
            step["distillation, scores"] / step["plain"],
            1.25,
        ),
        Target(
            "parser distillation, arcs only / parser alone, step",
            step["distillation, arcs only"] / step["plain"],
            1.05,
        ),
    ]
