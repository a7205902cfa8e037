"""Scoring sentences into a store on a device and on the CPU."""

import os
import tempfile
import time
from pathlib import Path
from typing import Dict, List

import torch
from allennlp.common import Params

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.teacher import Teacher
from benchmarks.command import Options
from benchmarks.report import Report
from benchmarks.setups import served
from benchmarks.setups.students import cuda_device

TEACHERS = {"tagger": "chunk-conll2000-minilm6", "parser": "parser-ewt-minilm6"}
COUNT = 8192
BATCH_SIZE = 256


def measure(report: Report, options: Options, device: torch.device) -> None:
    """Adds words per second into a new store, opening of the archive and writing of the store included."""
    words = served.sentences(20 if options.quick else COUNT, split="train")
    folder = os.environ.get("ALLENNLP_KD_TEACHERS")
    speeds: Dict[str, float] = {}
    for kind, name in TEACHERS.items():
        with tempfile.TemporaryDirectory() as place:
            given = Path(folder) / f"{name}.tar.gz" if folder else None
            trained = given is not None and given.is_file() and not options.quick
            archive = given
            if not trained:
                archive = served.untrained(kind, served.SMALL, Path(place) / kind, "train")
            report.notes[f"{kind}: teacher that scores"] = name if trained else "BiLSTM, untrained"
            tags = [None if kind == "tagger" or trained else ("X",) * len(each) for each in words]
            sentences = [Sentence(tuple(each), tag) for each, tag in zip(words, tags)]
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(device)
            seconds = fill(archive, Path(place) / "store", sentences, device)
            speeds[kind] = sum(map(len, words)) / seconds
            if device.type == "cuda":
                peak = torch.cuda.max_memory_allocated(device) / 1e6
                report.add("MB, scoring", {kind: peak})
    report.add("words/s into a store", speeds)


def fill(archive: Path, store: Path, sentences: List[Sentence], device: torch.device) -> float:
    """The seconds that scoring into a new store takes."""
    teacher = Teacher.from_params(
        Params(
            {
                "type": "store",
                "directory": str(store),
                "dtype": "float16",
                "batch_size": BATCH_SIZE,
                "teacher": {
                    "type": "archive",
                    "archive_file": str(archive),
                    "cuda_device": cuda_device(device),
                    "trust": True,
                },
            }
        )
    )
    started = time.perf_counter()
    teacher.fill(sentences)
    return time.perf_counter() - started
