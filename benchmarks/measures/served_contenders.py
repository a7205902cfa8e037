"""Words per second and test scores of contenders as they are served."""

import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from benchmarks.baselines.docs import annotate as annotate_with_spacy
from benchmarks.measures import agreement
from benchmarks.measures.serving import (
    SPACY_SMALL,
    predict_arm,
    run_pipeline,
    spacy_arm,
)
from benchmarks.rounds import alternate
from benchmarks.setups.contenders import INT8, PIPELINE, PREDICT, Contender
from benchmarks.setups.tasks import Example, Task, counts
from benchmarks.significance import score

PER_PREDICT_CALL = 32
"""Sentences in a timed call of `allennlp predict`, which is slow."""


def measure_speeds(
    task: Task, contenders: List[Contender], sentences: List[List[str]], rounds: int
) -> Dict[str, float]:
    """Words per second of CPU time by label, all in alternating rounds of one process, with one thread.

    Beside the contenders, the same component of `en_core_web_sm` where it is installed.
    """
    arms: Dict[str, Callable[[], object]] = {}
    words: Dict[str, int] = {}
    for each in contenders:
        some = sentences[:PER_PREDICT_CALL] if each.served == PREDICT else sentences
        arms[each.label] = _arm(task, each, some)
        words[each.label] = sum(map(len, some))
    component = "ner" if task.spans else task.component
    if component != "ner":
        other = spacy_arm(component, sentences)
        if other is not None:
            arms[SPACY_SMALL], words[SPACY_SMALL] = other, sum(map(len, sentences))
    timings = alternate(arms, rounds, clock=time.process_time)
    return {name: words[name] / timing.median for name, timing in timings.items()}


def _arm(task: Task, contender: Contender, sentences: List[List[str]]) -> Callable[[], object]:
    if contender.served == PREDICT:
        return predict_arm(contender.model, sentences)
    nlp = pipeline(task, contender, task.component)
    return lambda: run_pipeline(nlp, sentences)


def pipeline(task: Task, contender: Contender, component: str) -> Any:
    """A contender as a pipeline of spaCy, with what its task needs alone."""
    import spacy

    from spacy_bridge import load_student

    if contender.served == PIPELINE:
        nlp = spacy.load(contender.model)
        nlp.select_pipes(enable=["tok2vec", "ner" if task.spans else task.component])
        return nlp
    config: Dict[str, Any] = {"threads": 1, "trust": True}
    if component == "parser":
        config["without_sentences"] = "one"
    return load_student(contender.model, component, int8=contender.served == INT8, **config)


def measure_score(task: Task, contender: Contender, gold: List[Example]) -> Tuple[float, List]:
    """The test score of one model as it is served, and its counts by sentence."""
    return measure_scores(task, contender, [gold])[0]


def measure_scores(
    task: Task, contender: Contender, golds: Sequence[List[Example]]
) -> List[Tuple[float, List]]:
    """Like `measure_score`, for each of several test sets; the model is opened once."""
    own = contender.served == PIPELINE
    # A tagger of spans says its tags as they are.
    component = "tagger" if task.spans and not own else task.component
    nlp = pipeline(task, contender, component)
    found = []
    for gold in golds:
        sentences = [each.words for each in gold]
        answers = (
            annotate_with_spacy(nlp, task, sentences) if own else agreement.annotate(nlp, sentences)
        )
        rows = counts(task, answers, gold)
        found.append((float(score(rows.sum(0))), rows.tolist()))
    return found


def megabytes(contender: Contender) -> Optional[float]:
    """The size of what is served: the packaged files, or the folder of a pipeline."""
    from spacy_bridge.packaging.student_files import student_files

    if contender.served == PREDICT:
        return contender.model.stat().st_size / 1e6
    if contender.served == PIPELINE:
        return (
            sum(path.stat().st_size for path in contender.model.rglob("*") if path.is_file()) / 1e6
        )
    files = student_files(Path(contender.model), int8=contender.served == INT8, trust=True)
    return sum(map(len, files.values())) / 1e6
