"""Start-up and memory of a pipeline, in processes of their own, without torch."""

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Dict, List

from benchmarks.command import Options
from benchmarks.measures.serving import SPACY_SMALL
from benchmarks.report import Report, Target

# spaCy imports torch where it is installed, which a serving environment has not; so it is hidden.
_SCRIPT = """
import sys, time
sys.modules["torch"] = None
sys.modules["cupy"] = None
started = time.perf_counter()
import spacy
nlp = spacy.load(sys.argv[1], exclude=sys.argv[2:])
seconds = time.perf_counter() - started
nlp("This is a sentence of some words, for what is only made when it is needed.")
with open("/proc/self/status") as status:  # getrusage's maximum is inherited from the parent
    (line,) = (line for line in status if line.startswith("VmRSS"))
print(seconds, int(line.split()[1]) / 1024)
"""
OTHERS = ["attribute_ruler", "lemmatizer", "ner", "senter"]
"""What spaCy's pipeline has beside a tagger and a parser; left out."""


def measure(report: Report, options: Options, archives: Dict[str, Path]) -> None:
    """A pipeline of tagger and parser against spaCy's; `archives` by component."""
    from spacy_bridge.packaging.pipeline import StudentSource, build_pipeline
    from spacy_bridge.packaging.wheel import build_wheel, save_pipeline

    with tempfile.TemporaryDirectory() as folder:
        sources = [StudentSource(kind, archive) for kind, archive in archives.items()]
        arms = {SPACY_SMALL: [SPACY_SMALL, *OTHERS]}
        wheels: Dict[str, float] = {}
        for name, int8 in (("packaged", False), ("packaged, int8", True)):
            meta = {"name": "int8" if int8 else "float", "version": "0.0.0"}
            nlp = build_pipeline(sources, meta=meta, int8=int8)
            target = save_pipeline(nlp, Path(folder))
            arms[name] = [str(target)]
            if options.quick and not int8:
                continue
            wheel = build_wheel(target, Path(folder) / "wheels", isolation=False)
            wheels[name] = wheel.stat().st_size / 1e6
        if not installed():
            del arms[SPACY_SMALL]
        found: Dict[str, List[List[float]]] = {name: [] for name in arms}
        for round_ in range(options.rounds + 1):
            for name, arguments in arms.items():
                result = answer(arguments)
                if round_:  # the first reads from the disk
                    found[name].append(result)
    medians = {
        name: [median(column) for column in zip(*results)] for name, results in found.items()
    }
    report.add("start-up, s", {name: seconds for name, (seconds, _) in medians.items()})
    report.add("resident, MB", {name: memory for name, (_, memory) in medians.items()})
    report.add("wheel of tagger and parser, MB", wheels)
    report.targets.append(
        Target("wheel of tagger and parser, int8, MB", wheels["packaged, int8"], 15.0)
    )
    if SPACY_SMALL in medians:
        for place, name in enumerate(("start-up", "memory")):
            ratio = medians["packaged"][place] / medians[SPACY_SMALL][place]
            report.targets.append(Target(f"{name} over {SPACY_SMALL}", ratio, 1.5))


def installed() -> bool:
    """Whether spaCy's pipeline is there."""
    import importlib.util

    return importlib.util.find_spec(SPACY_SMALL) is not None


def answer(arguments: List[str]) -> List[float]:
    """Seconds and megabytes of one process."""
    factories = (
        "from spacy_bridge.components import chunker, entities, parser, tagger"
        if arguments[0] != SPACY_SMALL
        else ""
    )
    script = _SCRIPT.replace("nlp = ", f"{factories}\nnlp = ", 1)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(part) for part in done.stdout.split()]
