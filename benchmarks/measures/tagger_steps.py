"""A tagger's training step: stock's, the student's alone, and a distillation's with a store."""

import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import torch
from allennlp.models import Model
from torch.nn import Module

from benchmarks.command import Options, conditions
from benchmarks.measures.steps import loading, step, whole
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.students import Batch, Setup, build, width
from benchmarks.setups.tagger import tagger
from benchmarks.setups.treebank import BATCH_SIZE, treebank

NAMES = {"stock": "stock crf_tagger", "plain": "student alone", "distilled": "distillation"}


class Given(Module):
    """Stands for a module whose result is known."""

    result: torch.Tensor

    def forward(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        return self.result


def without_encoder(setup: Setup, name: str, batches: List[Batch]) -> Callable[[], None]:
    """The step but for embedder and encoder with their dropout, whose results are computed beforehand.

    What is left: projection, loss, distillation, decoding, metrics, and the backward pass to the
    encoder's results.
    """
    model = setup.models()[name]
    network: Model = model.student if name in setup.distilled else model
    embedder, encoder, dropout = network.text_field_embedder, network.encoder, network.dropout
    inputs: List[Batch] = [setup.inputs(name, batch) for batch in batches]
    encoded: List[torch.Tensor] = []
    for batch in inputs:
        tokens = batch["tokens"]
        mask = tokens["tokens"]["tokens"] > 0
        with torch.no_grad():
            encoded.append(dropout(encoder(dropout(embedder(tokens)), mask)).requires_grad_())
    given = Given()

    def run() -> None:
        network.text_field_embedder = network.encoder = given
        network.dropout = None
        for batch, result in zip(inputs, encoded):
            result.grad = None
            given.result = result
            step(model, batch)
        network.text_field_embedder, network.encoder = embedder, encoder
        network.dropout = dropout

    return run


def measure(report: Report, options: Options) -> None:
    """Adds the medians of one batch, and the targets."""
    recipe, sizes = tagger("upos"), {}
    if options.quick:
        recipe = tagger("upos", hidden_size=8)
        sizes = dict(max_instances=2 * BATCH_SIZE, warm_up=1, num_batches=1)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        setup = build(recipe, treebank(), Path(folder), options.seed, **sizes)
        report.notes["seconds to set up"] = time.perf_counter() - started
        found = []
        for condition in conditions(options):
            torch.set_num_threads(condition.threads)
            batches = setup.bucketed if condition.bucketed else setup.shuffled
            report.notes[f"words, {'bucketed' if condition.bucketed else 'shuffled'}"] = [
                width(batch) for batch in batches
            ]
            steps = {f"{NAMES[name]}: step": whole(setup, name, batches) for name in NAMES}
            for name in NAMES:
                rest = without_encoder(setup, name, batches)
                steps[f"{NAMES[name]}: all but the encoder"] = rest
            timings = alternate(steps, options.rounds)
            medians = {name: timing.median / len(batches) for name, timing in timings.items()}
            load = alternate({"load": loading(setup)}, options.rounds)["load"].median
            medians["distillation: data loading"] = load / len(setup.loader)
            report.add(condition.label, medians)
            found.append(medians)
    _targets(report, found[0])


def _targets(report: Report, medians: Dict[str, float]) -> None:
    stock, plain, distilled = (NAMES[name] for name in ("stock", "plain", "distilled"))
    step_time = medians[f"{distilled}: step"]
    rest = f"{distilled}: all but the encoder", f"{stock}: all but the encoder"
    load = medians["distillation: data loading"]
    report.targets += [
        Target("distillation / stock, step", step_time / medians[f"{stock}: step"], 0.85),
        Target(
            "distillation / stock, all but the encoder", medians[rest[0]] / medians[rest[1]], 0.2
        ),
        Target("distillation / student alone, step", step_time / medians[f"{plain}: step"], 1.05),
        Target("data loading / (data loading + steps)", load / (load + step_time), 0.1),
    ]
