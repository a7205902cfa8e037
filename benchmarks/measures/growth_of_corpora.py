"""The memory that an epoch of training's data takes, by the size of the corpus.

A corpus is a thousand sentences, repeated. AllenNLP's loader keeps all instances where
`max_instances_in_memory` is not set; set, it keeps this many, reads the file anew in each epoch and shuffles within
them. What grows beside is the store's index: with the different sentences of the corpus, about 0.5 kB each, whatever
their length; the scores themselves are read from the disk.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict

from benchmarks.command import Options
from benchmarks.measures.exponents import keep
from benchmarks.report import Report, Target
from benchmarks.setups.made_up import write_treebank
from benchmarks.setups.students import build
from benchmarks.setups.tagger import tagger

DIFFERENT, LENGTH, TAGS = 1000, 12, 17
SIZES = (1000, 10_000, 50_000, 200_000)
KEPT = 1024
LARGEST_KEPT_WHOLE = 50_000
# Steps of training over a file, in a process of its own: how much larger it has been than before.
EPOCH = """
import json, sys
from pathlib import Path
import allennlp_kd.plugin, allennlp_models.tagging, torch
from allennlp.common import Params
from allennlp.data import DatasetReader, Vocabulary
from allennlp.data.data_loaders import MultiProcessDataLoader
from allennlp.models import Model
from benchmarks.measures.steps import step
given = json.loads(sys.argv[1])
torch.set_num_threads(1)
reader = DatasetReader.from_params(Params(given["reader"]))
vocab = Vocabulary.from_files(given["vocabulary"])
model = Model.from_params(Params(given["model"]), vocab=vocab)
model.load_state_dict(torch.load(given["weights"]))
loader = MultiProcessDataLoader(reader, given["data"], batch_size=32, quiet=True,
                                max_instances_in_memory=given["kept"])
# Not getrusage's, which begins with what the process was before it became this program.
peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
before = peak()
loader.index_with(vocab)
every = given["every"]
for number, batch in enumerate(loader):
    if number % every == 0:
        step(model, batch)
print(json.dumps(peak() - before))
"""


def epoch(given: Dict) -> float:
    """Bytes that a process grew by over an epoch."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EPOCH, json.dumps(given)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.splitlines()[-1])


def measure(report: Report, options: Options) -> None:
    """Adds peaks, exponents and the target."""
    sizes = SIZES
    if options.quick:
        sizes = SIZES[:2]
    recipe = tagger("xpos", hidden_size=8)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data = folder / "made-up.conllu"
        write_treebank(data, options.seed, DIFFERENT, LENGTH, TAGS)
        build(recipe, data, folder, options.seed, warm_up=1, num_batches=1)
        teacher = {
            "type": "store",
            "directory": str(folder / "store"),
            "teacher": {"archive_file": str(folder / "teacher.tar.gz")},
        }
        student = {"type": recipe.student, **recipe.model}
        given = {
            "reader": {
                "type": "distillation",
                "reader": recipe.reader,
                "teacher": teacher,
                "teacher_inputs": True,
            },
            "model": {"type": "distillation", "student": student, "teacher": teacher, "alpha": 0.5},
            "vocabulary": str(folder / "teacher" / "vocabulary"),
            "weights": str(folder / "teacher" / "weights.th"),
            "data": str(data),
        }
        bounded: Dict[int, float] = {}
        whole: Dict[int, float] = {}
        for size in sizes:
            write_treebank(data, options.seed, DIFFERENT, LENGTH, TAGS, size // DIFFERENT)
            # As many steps at each size, spread over the epoch: reading is what grows.
            given["every"] = max(1, size // DIFFERENT)
            bounded[size] = epoch({**given, "kept": KEPT})
            if size <= LARGEST_KEPT_WHOLE:
                whole[size] = epoch({**given, "kept": None})
    unit = "sentences"
    keep(report, f"epoch, {KEPT} instances in memory: bytes", unit, bounded)
    keep(report, "epoch, all instances in memory: bytes", unit, whole)
    smaller, larger = sizes[1 if len(sizes) > 2 else 0], sizes[-1]
    report.targets.append(
        Target(
            f"memory of training, {larger:,} / {smaller:,} sentences",
            bounded[larger] / bounded[smaller],
            1.1,
        )
    )
