"""A training step, scoring and serving, by the length of sentences and by the number of tags."""

import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

from allennlp.common import Params

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.teacher import Teacher
from benchmarks.command import Options
from benchmarks.measures.exponents import keep
from benchmarks.measures.growth_of_chains import BOUND
from benchmarks.measures.steps import step
from benchmarks.memory import peak_bytes
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.made_up import sentences, write_treebank
from benchmarks.setups.students import build
from benchmarks.setups.tagger import tagger
from benchmarks.setups.treebank import BATCH_SIZE

LENGTHS = (10, 40, 80, 160, 320)
TAGS = (5, 20, 80, 200)
USUAL_LENGTH, USUAL_TAGS = 25, 17
HIDDEN = 64
# What a process that serves has grown by while it annotated a batch, in kibibytes.
SERVE = """
import sys, spacy
from pathlib import Path
from spacy.tokens import Doc
nlp = spacy.load(sys.argv[1])
peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
docs = lambda words: [Doc(nlp.vocab, words=["w1"] * words) for _ in range(int(sys.argv[3]))]
list(nlp.pipe(docs(1)))
before = peak()
list(nlp.pipe(docs(int(sys.argv[2]))))
print(peak() - before)
"""


def at(
    length: int, tags: int, options: Options, folder: Path
) -> Tuple[Dict[str, float], Dict[str, float]]:
    """Seconds and peak bytes at one size."""
    from spacy.tokens import Doc

    from spacy_bridge import load_student

    data = folder / "made-up.conllu"
    write_treebank(data, options.seed, 2 * BATCH_SIZE, length, tags)
    recipe = tagger("xpos", hidden_size=8 if options.quick else HIDDEN)
    setup = build(recipe, data, folder, options.seed, warm_up=1, num_batches=1)
    model = setup.distilled["distilled"]
    archive = str(folder / "teacher.tar.gz")
    teacher: Any = Teacher.from_params(
        Params({"type": "archive", "archive_file": archive, "cuda_device": -1})
    )
    batch = sentences(options.seed, BATCH_SIZE, length)
    scored = [Sentence(tuple(words)) for words in batch]
    nlp = load_student(archive, "tagger", threads=1, sentences="none")
    functions: Dict[str, Callable[[], object]] = {
        "training step": partial(step, model, setup.shuffled[0]),
        "scoring": lambda: teacher.score(scored),
        "serving": lambda: list(nlp.pipe([Doc(nlp.vocab, words=words) for words in batch])),
    }
    seconds = alternate(functions, options.rounds, clock=time.process_time)
    peaks = {name: float(peak_bytes(functions[name])) for name in ("training step", "scoring")}
    nlp.to_disk(folder / "nlp")
    grown = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            SERVE,
            str(folder / "nlp"),
            str(length),
            str(BATCH_SIZE),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    peaks["serving"] = max(1.0, float(grown.stdout)) * 1024
    return {name: timing.median for name, timing in seconds.items()}, peaks


def measure(report: Report, options: Options) -> None:
    """Adds medians, exponents and targets."""
    few = slice(0, 2) if options.quick else slice(None)
    for unit, sizes in (("words", LENGTHS[few]), ("tags", TAGS[few])):
        seconds: Dict[str, Dict[int, float]] = {}
        peaks: Dict[str, Dict[int, float]] = {}
        for size in sizes:
            length, tags = (size, USUAL_TAGS) if unit == "words" else (USUAL_LENGTH, size)
            with tempfile.TemporaryDirectory() as folder:
                for into, found in zip((seconds, peaks), at(length, tags, options, Path(folder))):
                    for name, value in found.items():
                        into.setdefault(name, {})[size] = value
        for name in seconds:
            slope = keep(report, f"{name}: s", unit, seconds[name])
            memory = keep(report, f"{name}: bytes", unit, peaks[name])
            if unit == "words":
                report.targets.append(Target(f"{name}: exponent of length", slope, BOUND))
            if unit == "words" and name != "serving":
                report.targets.append(Target(f"{name}: exponent of length, memory", memory, BOUND))
    report.notes["sentences"] = {
        "batch_size": BATCH_SIZE, "tags": USUAL_TAGS, "words": USUAL_LENGTH, "hidden": HIDDEN
    }  # fmt: skip
