"""From raw text to trees: packaged students against spaCy's own pipeline, by the evaluation of CoNLL 2018.

Tokens, sentences, UPOS, XPOS, UAS and LAS (F1, in percent) on the test splits of EWT and of Italian ParTUT, and words a
second of `nlp.pipe` over the same texts. Both sides have spaCy's tokenizer. `$ALLENNLP_KD_STUDENTS/raw_text` holds a
folder for each treebank (`ud_english_ewt`, `ud_italian_partut`) with our archives, as many as there are of
`senter.tar.gz`, `tagger.tar.gz`, `pos.tar.gz` and `parser.tar.gz`, with `spacy`, a pipeline that `spacy train` made
of the same treebank (`python -m benchmarks.setups.treebank_docs` writes its docs), and with `spacy_senter`, a splitter
of sentences that was trained likewise. The splitters are also measured alone. Where the folder has `about.json`, which
says how the models were trained, its content goes into the file that is written.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence

from benchmarks.command import NoData, Options, run, settings
from benchmarks.report import Report, Target

TREEBANKS = {"ud_english_ewt": "en", "ud_italian_partut": "it"}
STUDENTS = ("senter", "tagger", "pos", "parser")
OURS, INT8, SPACY = "packaged students", "packaged students, int8", "spaCy"
SPLITTER, SPLITTER_INT8 = "kd_senter alone", "kd_senter alone, int8"
SENTER = "spaCy's senter alone"
SPLITTERS = (SPLITTER, SPLITTER_INT8, SENTER)
MARGIN = 3.0
"""The LAS that the students are to be ahead."""
QUICK = 3
"""The documents of a quick run."""


def measure(options: Options) -> Report:
    """Both pipelines on each treebank."""
    from allennlp_kd.readers.treebank_text import documents
    from benchmarks.measures.raw_text_analyses import of_doc, of_treebank
    from benchmarks.measures.raw_text_scores import evaluate

    folder = Path(os.environ.get("ALLENNLP_KD_STUDENTS", "")) / "raw_text"
    data = Path(os.environ.get("ALLENNLP_KD_DATA", ""))
    report = Report("raw_text", settings(options))
    for treebank, lang in TREEBANKS.items():
        path = data / treebank / "test.conllu"
        if not path.is_file() or not (folder / treebank / "parser.tar.gz").is_file():
            continue
        gold = list(documents(path))[: QUICK if options.quick else None]
        pipelines = contenders(folder / treebank, lang)
        texts = [document.text for document in gold]
        scores: Dict[str, Dict[str, float]] = {}
        for name, nlp in pipelines.items():
            system = map(of_doc, nlp.pipe(texts))
            scores[name] = evaluate(zip(map(of_treebank, gold), system))
            if name in SPLITTERS:
                scores[name] = {"sentences": scores[name]["sentences"]}
        speeds = words_a_second(pipelines, texts, options.rounds)
        for name in pipelines:
            column = f"{treebank}, {name}"
            report.add(column, {**scores[name], "words/s": speeds[name]})
        report.notes[treebank] = {name: nlp.pipe_names for name, nlp in pipelines.items()}
        about = folder / treebank / "about.json"
        if about.is_file():
            report.notes[f"{treebank}, models"] = json.loads(about.read_text(encoding="utf-8"))
        for names, theirs, score, label, margin in (
            ((OURS, INT8), SPACY, "LAS", "LAS", MARGIN),
            ((SPLITTER, SPLITTER_INT8), SENTER, "sentences", "sentence F1", 0.0),
        ):
            for name in names if {*names, theirs} <= set(pipelines) else ():
                ahead = scores[name][score] - scores[theirs][score]
                faster = speeds[name] / speeds[theirs]
                report.targets += [
                    Target(f"{treebank}, {name}: {label} ahead of {theirs}", ahead, margin, True),
                    Target(f"{treebank}, {name}: speed over {theirs}", faster, 1.0, True),
                ]
    if not report.medians:
        raise NoData(
            f"no treebank in {data} with a parser.tar.gz in {folder}; set ALLENNLP_KD_DATA and "
            "ALLENNLP_KD_STUDENTS"
        )
    return report


def contenders(folder: Path, lang: str) -> Dict[str, Any]:
    """The pipelines of a treebank's folder, by name."""
    import spacy

    found = {OURS: ours(folder, lang), INT8: ours(folder, lang, int8=True)}
    if (folder / SPACY.lower()).is_dir():
        found[SPACY] = theirs(folder / SPACY.lower())
    if (folder / "senter.tar.gz").is_file():
        found[SPLITTER] = ours(folder, lang, ("senter",))
        found[SPLITTER_INT8] = ours(folder, lang, ("senter",), int8=True)
    if (folder / "spacy_senter").is_dir():
        found[SENTER] = spacy.load(folder / "spacy_senter")
    return found


def ours(folder: Path, lang: str, kinds: Sequence[str] = STUDENTS, int8: bool = False) -> Any:
    """A pipeline of the archives in a folder."""
    from spacy_bridge.packaging.pipeline import StudentSource, build_pipeline

    sources = [
        StudentSource(kind, folder / f"{kind}.tar.gz", options={"trust": True})
        for kind in kinds
        if (folder / f"{kind}.tar.gz").is_file()
    ]
    return build_pipeline(sources, lang, int8=int8)


def theirs(folder: Path) -> Any:
    """A pipeline of spaCy's, and before its parser the `senter` beside it, if there is one."""
    import spacy

    nlp = spacy.load(folder)
    splitter = folder.parent / "spacy_senter"
    if splitter.is_dir():
        nlp.add_pipe("senter", source=spacy.load(splitter), first=True)
    return nlp


def words_a_second(pipelines: Dict[str, Any], texts: List[str], rounds: int) -> Dict[str, float]:
    """The best of this many rounds, the pipelines in turn, in seconds of the processor."""
    words = sum(not token.is_space for text in texts for token in pipelines[OURS].make_doc(text))
    best = dict.fromkeys(pipelines, float("inf"))
    for _ in range(rounds):
        for name, nlp in pipelines.items():
            start = time.process_time()
            for _doc in nlp.pipe(texts):
                pass
            best[name] = min(best[name], time.process_time() - start)
    return {name: words / seconds for name, seconds in best.items()}


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks raw_text`."""
    run("raw_text", measure, arguments, __doc__)
