"""Transcripts: from a teacher to a pipeline by `kd-init`, `kd-distill` and `spacy.load`, with the time of each line.

Three teachers: an AllenNLP archive (`chunk-conll2000-minilm6.tar.gz` from $ALLENNLP_KD_TEACHERS), a checkpoint of
`transformers` (the network in the folder $ALLENNLP_KD_TRANSFORMER under a random classifier) and a Stanza parser that
Stanza's own classes train for a moment. What the last two teach is worth nothing, but their commands and times are
those of any model of that size. Corpora are the first sentences of those in $ALLENNLP_KD_DATA, and the training is cut
to a few epochs.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple

from benchmarks.command import NoData, Options, run, settings
from benchmarks.report import Report

ROOT = Path(__file__).resolve().parents[1]
VARIABLES = ("ALLENNLP_KD_DATA", "ALLENNLP_KD_TEACHERS", "ALLENNLP_KD_TRANSFORMER")
TEXT = "A small model learns from a large one."
LOADED = f"""
import spacy
nlp = spacy.load("{{package}}")
doc = nlp("{TEXT}")
print({{shown}})
"""


class Case(NamedTuple):
    """One teacher.

    # Parameters

    name : `str`
        For the heading.
    make : `Callable[[Path, int], List[str]]`
        Writes teacher and corpora of so many sentences into a folder; returns the arguments of
        `kd-init`.
    component : `str`
        The name of the package.
    shown : `str`
        The expression over `doc` that is printed.
    """

    name: str
    make: Callable[[Path, int], List[str]]
    component: str
    shown: str


def measure(options: Options) -> Report:
    """All teachers, one after another."""
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if missing:
        raise NoData(f"{', '.join(missing)} must be set")
    sentences, epochs = (60, 1) if options.quick else (2000, 5)
    report = Report("transcripts", settings(options, sentences=sentences, epochs=epochs))
    found = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as name:
            found.append(transcript(case, Path(name), sentences, epochs))
        for command in found[-1]["commands"]:
            report.add("s", {f"{case.name}, {command['name']}": command["seconds"]})
        report.notes["transcripts"] = found
        if options.output is not None:
            report.write(options.output)
    return report


def transcript(case: Case, folder: Path, sentences: int, epochs: int) -> Dict[str, Any]:
    """Runs the three commands in a folder; returns what they printed, and when."""
    (folder / ".allennlp_plugins").write_text("allennlp_kd.plugin\n")
    given = case.make(folder, sentences)
    package = f"runs/distill/package/en_{case.component}-0.0.0"
    shorter = json.dumps({"trainer.num_epochs": epochs})
    loaded = LOADED.format(package=package, shown=case.shown).strip()
    commands = [
        ("kd-init", ["allennlp", "kd-init", *given, "--output", "distill.jsonnet"]),
        (
            "kd-distill",
            ["allennlp", "kd-distill", "distill.jsonnet", "-s", "runs/distill",
             "--package", case.component, "-o", shorter],
        ),
        ("spacy.load", ["python", "-c", loaded]),
    ]  # fmt: skip
    found = []
    for name, words in commands:
        seconds, lines = timed(words, folder)
        found.append({"name": name, "command": words, "seconds": seconds, "lines": lines})
    configuration = (folder / "distill.jsonnet").read_text(encoding="utf-8")
    return {"teacher": case.name, "commands": found, "configuration": configuration}


def timed(words: List[str], folder: Path) -> Any:
    """Runs a command.

    # Returns

    `Tuple[float, List[Tuple[float, str]]]`
        Its seconds, and each line of its standard output with the seconds at which it came.

    # Raises

    RuntimeError
        If it fails.
    """
    command = [sys.executable, "-W", "ignore", *words[1:]]
    if words[0] == "allennlp":
        command[3:3] = ["-m", "allennlp"]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    started = time.perf_counter()
    lines = []
    with open(folder / "errors", "w+", encoding="utf-8") as errors:
        with subprocess.Popen(
            command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=errors
        ) as process:
            for line in process.stdout or ():
                lines.append((round(time.perf_counter() - started, 1), line.rstrip()))
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(words)} failed: {errors.read()[-2000:]}")
    return round(time.perf_counter() - started, 1), lines


def _archive(folder: Path, sentences: int) -> List[str]:
    teachers = Path(os.environ["ALLENNLP_KD_TEACHERS"])
    shutil.copy(teachers / "chunk-conll2000-minilm6.tar.gz", folder / "teacher.tar.gz")
    (folder / "transformer").symlink_to(Path(os.environ["ALLENNLP_KD_TRANSFORMER"]).resolve())
    return ["teacher.tar.gz", "--transformer", "transformer", *_chunks(folder, sentences)]


def _chunks(folder: Path, sentences: int) -> List[str]:
    return _corpora(
        folder, sentences, "conll2000/train-first-7936.txt", "conll2000/dev-last-1000.txt", "txt"
    )


def _corpora(folder: Path, sentences: int, train: str, dev: str, suffix: str) -> List[str]:
    for name, path, number in (("train", train, sentences), ("dev", dev, sentences // 4)):
        text = Path(os.environ["ALLENNLP_KD_DATA"], path).read_text(encoding="utf-8")
        blocks = text.strip("\n").split("\n\n")[:number]
        (folder / f"{name}.{suffix}").write_text("\n\n".join(blocks) + "\n\n", encoding="utf-8")
    return ["--train", f"train.{suffix}", "--dev", f"dev.{suffix}"]


def _checkpoint(folder: Path, sentences: int) -> List[str]:
    from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

    source = Path(os.environ["ALLENNLP_KD_TRANSFORMER"])
    options = _chunks(folder, sentences)
    rows = [line.split() for name in ("train", "dev")
            for line in (folder / f"{name}.txt").read_text().splitlines()]  # fmt: skip
    labels = sorted({row[2] for row in rows if row})
    config = AutoConfig.from_pretrained(source)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: number for number, label in enumerate(labels)}
    if (source / "model.safetensors").is_file():
        model = AutoModelForTokenClassification.from_pretrained(source, config=config)
    else:
        model = AutoModelForTokenClassification.from_config(config)
    model.save_pretrained(folder / "checkpoint", safe_serialization=True)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder / "checkpoint")
    return ["checkpoint", *options]


def _stanza(folder: Path, sentences: int) -> List[str]:
    from tests.teachers.stanza_models import write_download, write_models

    options = _corpora(
        folder, sentences, "ud_english_ewt/train.conllu", "ud_english_ewt/dev.conllu", "conllu"
    )
    trees = [tree for name in ("train", "dev") for tree in _trees(folder / f"{name}.conllu")]
    write_models(folder / "models", steps=2, trees=trees)
    write_download(folder / "models", folder / "stanza_resources")
    return ["stanza_resources", *options]


def _trees(path: Path) -> List[Any]:
    """What `write_models` takes: words, tags and labels, and heads."""
    found = []
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if line[0] != "#"]
        rows = [row for row in rows if row[0].isdigit()]
        columns = (" ".join(row[column] for row in rows) for column in (1, 3, 7))
        found.append((*columns, [int(row[6]) for row in rows]))
    return found


CASES = (
    Case(
        "AllenNLP archive", _archive, "chunks",
        "[(span.text, span.label_) for span in doc.spans['chunks']]",
    ),
    Case(
        "transformers checkpoint", _checkpoint, "chunks",
        "[(span.text, span.label_) for span in doc.spans['chunks']]",
    ),
    Case("Stanza parser", _stanza, "trees", "[(token.text, token.dep_) for token in doc]"),
)  # fmt: skip


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks transcripts`."""
    run("transcripts", measure, arguments, __doc__)
