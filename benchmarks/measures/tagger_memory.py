"""The tensors of a tagger's training step, at 50 tags and 60 words."""

import random
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.command import Options
from benchmarks.measures.steps import step
from benchmarks.measures.tagger_steps import NAMES
from benchmarks.memory import peak_bytes
from benchmarks.report import Report, Target
from benchmarks.setups.students import build
from benchmarks.setups.tagger import tagger
from benchmarks.setups.treebank import BATCH_SIZE

NUM_TAGS, NUM_WORDS = 50, 60


def write_treebank(path: Path, seed: int) -> None:
    """Sentences of 60 made-up words, with 50 tags in the column of the language's own."""
    generator = random.Random(seed)
    rows = []
    for sentence in range(2 * BATCH_SIZE):
        for number in range(1, NUM_WORDS + 1):
            tag = (sentence * NUM_WORDS + number) % NUM_TAGS
            word = f"w{generator.randrange(2000)}"
            rows.append(f"{number}\t{word}\t_\tX\tT{tag}\t_\t0\troot\t_\t_\n")
        rows.append("\n")
    path.write_text("".join(rows), encoding="utf-8")


def measure(report: Report, options: Options) -> None:
    """Adds the peaks, and the target."""
    recipe, warm_up = tagger("xpos"), 5
    if options.quick:
        recipe, warm_up = tagger("xpos", hidden_size=8), 1
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "made-up.conllu"
        write_treebank(data, options.seed)
        setup = build(recipe, data, Path(folder), options.seed, warm_up=warm_up, num_batches=1)
        peaks = {}
        for name, model in setup.models().items():
            inputs = setup.inputs(name, setup.shuffled[0])
            peaks[name] = float(peak_bytes(partial(step, model, inputs)))
    report.add(
        f"peak bytes, {NUM_TAGS} tags, {NUM_WORDS} words",
        {f"{NAMES[name]}: step": peak for name, peak in peaks.items()},
    )
    report.targets.append(
        Target(
            "distillation / student alone, peak memory", peaks["distilled"] / peaks["plain"], 1.1
        )
    )
