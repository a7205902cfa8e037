"""Training steps of stock, students and distillations on a device, in two precisions."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import torch
from allennlp.models import Model
from allennlp.nn.util import move_to_device

from benchmarks.command import Options
from benchmarks.measures.steps import step
from benchmarks.memory import peak_bytes
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.device import (
    PRECISIONS,
    autocast,
    cuda_peak_bytes,
    full_float32,
    synchronized,
)
from benchmarks.setups.parser import parser
from benchmarks.setups.students import Batch, Setup, build
from benchmarks.setups.tagger import tagger
from benchmarks.setups.treebank import BATCH_SIZE, treebank

TOP_K: Dict[str, Any] = {"type": "top_k", "k": 3}
OBJECTIVES = {"distillation": {}, "distillation, top_k 3": TOP_K}
# Without characters: under autocast, AllenNLP's `cnn` encoder returns about -3e38 for a word shorter than its filter.
RECIPES: Dict[str, Tuple[Callable[..., Any], Dict[str, int]]] = {
    "tagger": (partial(tagger, "xpos", characters=False), {"hidden_size": 8}),
    "parser": (partial(parser, characters=False), {"hidden_size": 8, "arc_dim": 8, "label_dim": 8}),
}
BF16_TOLERANCE, CPU_TOLERANCE = 0.05, 1e-4


def measure(report: Report, options: Options, device: torch.device) -> None:
    """Adds milliseconds and megabytes of a step, and the ratios to stock's."""
    for task, (recipe, small) in RECIPES.items():
        sizes: Dict[str, int] = dict(max_instances=20 * BATCH_SIZE, warm_up=20)
        if options.quick:
            sizes = dict(max_instances=2 * BATCH_SIZE, warm_up=1, num_batches=1)
        with tempfile.TemporaryDirectory() as folder:
            setup = build(
                recipe(**small) if options.quick else recipe(),
                treebank(),
                Path(folder),
                options.seed,
                objectives=OBJECTIVES,
                device=device,
                **sizes,
            )
            for precision in PRECISIONS:
                _add(report, options, device, setup, task, precision)
            _add_cpu_losses(report, device, setup, task)
            _add_bfloat16_losses(report, device, setup, task)


def _add(
    report: Report,
    options: Options,
    device: torch.device,
    setup: Setup,
    task: str,
    precision: str,
) -> None:
    steps: Dict[str, Callable[[], None]] = {}
    for name, model in setup.models().items():
        inputs = [setup.inputs(name, batch) for batch in setup.shuffled]
        one = partial(_steps, model, inputs, autocast(device, precision))
        try:
            one()
        except (TypeError, ValueError, RuntimeError) as error:
            report.notes[f"{task}, {name}, {precision}: cannot run"] = f"{error}".split("\n")[0]
            continue
        steps[name] = synchronized(one, device)
    timings = alternate(steps, options.rounds)
    seconds = {name: timing.median / len(setup.shuffled) for name, timing in timings.items()}
    peaks = {name: _peak(function, device) / 1e6 for name, function in steps.items()}
    report.add(
        f"ms, {precision}", {f"{task}: {name}": 1000 * value for name, value in seconds.items()}
    )
    report.add(f"MB, {precision}", {f"{task}: {name}": value for name, value in peaks.items()})
    for name in ("stock", "plain"):
        if {name, "distillation"} <= seconds.keys():
            ratio = seconds["distillation"] / seconds[name]
            label = f"{task}: distillation / {name}, {precision}"
            if name == "stock":
                report.targets.append(Target(label, ratio, 1.0))
            else:
                report.notes[label] = ratio


def _steps(model: Model, batches: List[Batch], context: Any) -> None:
    for batch in batches:
        step(model, batch, context)


def _peak(function: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        return float(cuda_peak_bytes(function, device))
    return float(peak_bytes(function))


def _add_cpu_losses(report: Report, device: torch.device, setup: Setup, task: str) -> None:
    """How far each model's loss is from that on the CPU, without dropout and without TF32."""
    cpu = torch.device("cpu")
    for name, model in setup.models().items():
        losses = []
        model.eval()
        with torch.no_grad(), full_float32():
            for place in (cpu, device):
                inputs = move_to_device(setup.inputs(name, setup.shuffled[0]), place)
                losses.append(float(model.to(place)(**inputs)["loss"]))
        model.train()
        difference = abs(losses[1] - losses[0]) / abs(losses[0])
        label = f"{task}: {name}, difference of the loss from the CPU"
        report.targets.append(Target(label, difference, CPU_TOLERANCE))


def _add_bfloat16_losses(report: Report, device: torch.device, setup: Setup, task: str) -> None:
    """How far the loss under autocast is from that in float32, without dropout."""
    for name, model in setup.models().items():
        if f"{task}, {name}, {PRECISIONS[1]}: cannot run" in report.notes:
            continue
        inputs = setup.inputs(name, setup.shuffled[0])
        losses = []
        model.eval()
        with torch.no_grad():
            for precision in PRECISIONS:
                with autocast(device, precision):
                    losses.append(float(model(**inputs)["loss"]))
        model.train()
        difference = abs(losses[1] - losses[0]) / abs(losses[0])
        name = f"{task}: {name}, difference of the loss in bfloat16"
        report.targets.append(Target(name, difference, BF16_TOLERANCE))
