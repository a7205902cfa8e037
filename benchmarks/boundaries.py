"""What sentence boundaries are worth: the teachers' F1 on the same tokens, as sentences and as documents.

The test sets of CoNLL-2000 and WNUT-17, the packaged teachers, gold tokens. A doc has one sentence; or 20 sentences
without boundaries (`sentences="none"`), as one long sentence; or 20 sentences with the boundaries that packaged
pipelines set by default (spaCy's `sentencizer`). Archives from `$ALLENNLP_KD_TEACHERS`, corpora from
`$ALLENNLP_KD_DATA`.
"""

import os
from itertools import chain
from pathlib import Path
from typing import Any, List, Sequence

from benchmarks.command import NoData, Options, run, settings
from benchmarks.report import Report, Target
from benchmarks.setups.tasks import TASKS, Example, examples

SENTENCES = 20
"""The sentences of a document."""
ONE, NONE, DEFAULT = "one sentence a doc", "documents, no boundaries", "documents, default"
COST = 1.0
"""The points that default boundaries may cost."""
QUICK = 40
"""The sentences of a quick run."""


def measure(options: Options) -> Report:
    """The teachers that are there."""
    report = Report("boundaries", settings(options, sentences_per_document=SENTENCES))
    folder = Path(os.environ.get("ALLENNLP_KD_TEACHERS", ""))
    for name in ("chunking", "named_entities"):
        task = TASKS[name]
        archive = folder / f"{task.teacher}.tar.gz"
        if archive.is_file():
            found = examples(task.path("test"))[: QUICK if options.quick else None]
            scores = compare(archive, task.component, found)
            for condition, value in scores.items():
                report.add(condition, {f"{name}, F1": value})
            cost = scores[ONE] - scores[DEFAULT]
            report.targets.append(
                Target(f"{name}: points that default boundaries cost", cost, COST)
            )
            report.notes[name] = {"sentences": len(found), "archive": archive.name}
    if not report.medians:
        raise NoData(f"no teacher of chunks or entities in {folder}; set ALLENNLP_KD_TEACHERS")
    return report


def compare(archive: Path, component: str, sentences: Sequence[Example]) -> Any:
    """The F1 of an archive by what a doc is, in percent."""
    from spacy_bridge import load_student

    without = load_student(archive, component, trust=True, sentences="none")
    return {
        ONE: f1(without, component, sentences, 1),
        NONE: f1(without, component, sentences, SENTENCES),
        DEFAULT: f1(load_student(archive, component, trust=True), component, sentences, SENTENCES),
    }


def f1(nlp: Any, component: str, sentences: Sequence[Example], size: int) -> float:
    """The F1 of the spans that a pipeline finds in docs of this many sentences, in percent."""
    from spacy.tokens import Doc

    from spacy_bridge.runtime.decoding.spans import spans_of

    groups = [sentences[first : first + size] for first in range(0, len(sentences), size)]
    docs = [Doc(nlp.vocab, words=joined([each.words for each in group])) for group in groups]
    right = found = there = 0
    for doc, group in zip(nlp.pipe(docs), groups):
        spans = doc.ents if component == "ner" else doc.spans["chunks"]
        ours = {(span.start, span.end, span.label_) for span in spans}
        gold = {tuple(span) for span in spans_of(joined([each.tags for each in group]), "BIO")}
        right, found, there = right + len(ours & gold), found + len(ours), there + len(gold)
    return 200 * right / max(found + there, 1)


def joined(parts: Sequence[List[str]]) -> List[str]:
    """The lists as one."""
    return list(chain.from_iterable(parts))


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks boundaries`."""
    run("boundaries", measure, arguments, __doc__)
