"""Microseconds a word that the stages of packaged students take, and the operators of their networks."""

import json
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple

from benchmarks.command import Options
from benchmarks.measures.serving import (
    PER_CALL,
    SPACY_SMALL,
    count_words,
    run_pipeline,
    spacy_pipeline,
)
from benchmarks.report import Report
from benchmarks.rounds import alternate
from benchmarks.setups import convolutional, served
from spacy_bridge.runtime.networks.session import LazySession

STAGES = {"_encode": "words to vectors", "_network": "network", "_decode": "decoding"}
"""The stages of a packaged student by the names of the functions that do them."""
WHOLE, REST = "component", "spaCy, and what is between the stages"


class Profiled(NamedTuple):
    """A packaged student inside a pipeline."""

    kind: str
    nlp: Any
    student: Any


def measure(report: Report, options: Options) -> None:
    """All students, in float and in 8 bits."""
    sentences = served.sentences(40 if options.quick else PER_CALL)
    report.notes["words"] = words = count_words(sentences)
    with tempfile.TemporaryDirectory() as folder:
        archives = served.all_given() or convolutional.untrained_archives(
            Path(folder), options.quick
        )
        speeds: Dict[str, float] = {}
        ratios: Dict[str, float] = {}
        for name, archive in archives.items():
            for int8 in (False, True):
                found = _stages(archive, int8, sentences, options)
                condition = f"us/word, {'int8' if int8 else 'float'}"
                report.add(condition, {f"{name}: {stage}": us for stage, us in found.items()})
                form = f"{name}, {'int8' if int8 else 'float'}"
                speeds[form] = round(1e6 / found[WHOLE])
                if SPACY_SMALL in found:
                    ratios[form] = round(found[SPACY_SMALL] / found[WHOLE], 2)
                operators = _operators(archive, int8, sentences, words)
                report.notes[f"us/word by operator, {form}"] = operators
        report.notes["words/s"] = speeds
        report.notes[f"speed over {SPACY_SMALL}"] = ratios


def _open(archive: Path, int8: bool) -> Profiled:
    from spacy_bridge import load_student
    from spacy_bridge.packaging.archive.student_archive import StudentArchive

    kind = "parser" if "parser" in StudentArchive(archive, trust=True).model["type"] else "tagger"
    nlp = load_student(archive, kind, int8=int8, sentences="none", trust=True)
    return Profiled(kind, nlp, nlp.get_pipe(nlp.pipe_names[-1]).student)


def _stages(
    archive: Path, int8: bool, sentences: List[List[str]], options: Options
) -> Dict[str, float]:
    """Microseconds a word of the whole component, of its stages, and of the same of spaCy's pipeline."""
    opened = _open(archive, int8)
    run_pipeline(opened.nlp, sentences)  # sessions are made, and words become known
    spent: Dict[str, float] = dict.fromkeys(STAGES.values(), 0.0)
    for name, stage in STAGES.items():
        setattr(opened.student, name, _timed(getattr(opened.student, name), stage, spent))
    arms: Dict[str, Callable[[], object]] = {WHOLE: lambda: run_pipeline(opened.nlp, sentences)}
    other = spacy_pipeline(opened.kind)
    if other is not None:
        arms[SPACY_SMALL] = lambda: run_pipeline(other, sentences)
    timings = alternate(arms, rounds=options.rounds, clock=time.process_time)
    per_word = 1e6 / count_words(sentences)
    found = {name: timing.median * per_word for name, timing in timings.items()}
    rounds = options.rounds + 1  # with the untimed one
    stages = {stage: seconds / rounds * per_word for stage, seconds in spent.items()}
    return {**found, **stages, REST: max(0.0, found[WHOLE] - sum(stages.values()))}


def _timed(function: Callable[..., Any], stage: str, spent: Dict[str, float]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        started = time.process_time()
        result = function(*arguments, **options)
        spent[stage] += time.process_time() - started
        return result

    return call


def _operators(
    archive: Path, int8: bool, sentences: List[List[str]], words: int
) -> Dict[str, float]:
    """Microseconds a word of each kind of operator in all networks, the longest first.

    ONNX Runtime measures them by the clock on the wall.
    """
    sessions: List[Any] = []
    with tempfile.TemporaryDirectory() as folder, _profiling(Path(folder), sessions):
        opened = _open(archive, int8)
        run_pipeline(opened.nlp, sentences)
        total: Dict[str, float] = {}
        for session in sessions:
            events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
            for event in events:
                if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
                    name = event["args"]["op_name"]
                    total[name] = total.get(name, 0.0) + event["dur"]
    ordered = sorted(total.items(), key=lambda item: -item[1])
    return {name: round(spent / words, 3) for name, spent in ordered if spent / words >= 0.001}


@contextmanager
def _profiling(folder: Path, sessions: List[Any]) -> Iterator[None]:
    """Inside, sessions write profiles, and are collected."""
    import onnxruntime

    make, options_class = LazySession._make, onnxruntime.SessionOptions

    def options() -> Any:
        made = options_class()
        made.enable_profiling = True
        made.profile_file_prefix = str(folder / f"profile-{len(sessions)}")
        return made

    def made(session: LazySession) -> Any:
        onnxruntime.SessionOptions = options
        try:
            sessions.append(make(session))
        finally:
            onnxruntime.SessionOptions = options_class
        return sessions[-1]

    LazySession._make = made  # type: ignore[method-assign]
    try:
        yield
    finally:
        LazySession._make = make  # type: ignore[method-assign]
