"""What packaged students say in spaCy, against AllenNLP's own prediction, sentence by sentence."""

import os
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from benchmarks.command import Options
from benchmarks.measures.ties import are_tied
from benchmarks.report import Report, Target
from benchmarks.setups import served
from benchmarks.setups.tasks import TASKS
from benchmarks.setups.treebank import BATCH_SIZE, treebank
from spacy_bridge.runtime.decoding.spans import spans_of
from spacy_bridge.runtime.packaged_parser import ParsedSentence

GOLD = ("tags", "head_tags", "head_indices")
TEACHERS = {
    "parser-ewt-minilm6": ("parser", "ud_english_ewt/dev.conllu"),
    "chunk-conll2000-minilm6": ("tagger", "conll2000/test.txt"),
    "ner-wnut17-minilm6": ("tagger", "wnut17/four-columns/test.txt"),
}


class Case(NamedTuple):
    """An archive and the corpus that it annotates."""

    name: str
    component: str
    archive: Path
    corpus: Path
    trained: bool


class Corpus(NamedTuple):
    """Sentences, with an annotation for each: a list of tags, or a `ParsedSentence`."""

    words: List[List[str]]
    gold: List[Any]
    predicted: List[Any]


def measure(report: Report, options: Options) -> None:
    """Every archive that is there."""
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder), options.quick):
            print(f"{case.name}: {case.corpus}", flush=True)
            compare(report, case, 100 if options.quick else None)


def cases(folder: Path, quick: bool) -> Iterator[Case]:
    """Students, then teachers."""
    data = Path(os.environ["ALLENNLP_KD_DATA"])
    shipped = [
        (name, path, TASKS[name.rsplit("-", 1)[0]])
        for name, path in served.all_given().items()
        if name.rsplit("-", 1)[0] in TASKS
    ]
    for name, path, task in shipped:
        kind = "parser" if task.component == "parser" else "tagger"
        yield Case(name, kind, path, task.path("test"), True)
    if not shipped:
        size = served.SMALL if quick else served.SHIPPED
        for kind in ("tagger", "parser"):
            path = served.untrained(kind, size, folder / kind)
            yield Case(f"{kind}, BiLSTM", kind, path, treebank("dev"), False)
    teachers = os.environ.get("ALLENNLP_KD_TEACHERS")
    for name, (component, corpus) in TEACHERS.items() if teachers else ():
        path = Path(str(teachers)) / f"{name}.tar.gz"
        if path.is_file():
            yield Case(name, component, path, data / corpus, True)


def compare(report: Report, case: Case, count: Optional[int]) -> None:
    """One case's row, and its targets."""
    from spacy_bridge import load_student

    corpus = predict(case.archive, case.corpus, count)
    config: Dict[str, Any] = {
        "max_words": 100_000,
        "trust": True,  # a teacher names its transformer
        "sentences": "none",  # each doc is one sentence
    }
    nlp = load_student(case.archive, case.component, **config)
    student = nlp.get_pipe(case.component).student
    ours = annotate(nlp, corpus.words)
    apart = [row for row, (one, other) in enumerate(zip(ours, corpus.predicted)) if one != other]
    ties = [
        row
        for row in apart
        if are_tied(student, corpus.words[row], ours[row], corpus.predicted[row])
    ]
    rounded = annotate(
        load_student(case.archive, case.component, int8=True, **config), corpus.words
    )
    scores = [
        score(found, corpus.gold, getattr(student, "encoding", None))
        for found in (corpus.predicted, ours, rounded)
    ]
    row = {
        "sentences": len(corpus.words),
        "words": sum(map(len, corpus.words)),
        "other answers": len(apart),
        "of them ties": len(ties),
        "score, predict": scores[0],
        "score, packaged": scores[1],
        "score, int8": scores[2],
        "int8 agrees, % of words": 100 * equal_words(rounded, ours),
    }
    for column, value in row.items():
        report.add(column, {case.name: value})
    report.targets.append(
        Target(f"{case.name}: other answers that are no ties", len(apart) - len(ties), 0)
    )
    if case.trained:
        report.targets.append(
            Target(f"{case.name}: points that int8 loses", scores[1] - scores[2], 0.2)
        )


def predict(archive: Path, path: Path, count: Optional[int]) -> Corpus:
    """What `allennlp predict --use-dataset-reader --batch-size 32` says of a file.

    The gold annotation, which the file has too, is set aside: no prediction depends on it, and the
    archive need not know all of its labels.
    """
    from allennlp.models import load_archive
    from allennlp.predictors import Predictor

    import allennlp_kd.plugin  # noqa: F401

    opened = load_archive(str(archive))
    predictor = Predictor(opened.model.eval(), opened.validation_dataset_reader)
    instances = list(opened.validation_dataset_reader.read(str(path)))[:count]
    words, gold, predicted = [], [], []
    for instance in instances:
        field = instance.fields["words" if "words" in instance.fields else "tokens"]
        words.append([token.text for token in field.tokens])
        gold.append(annotation({name: instance.fields.pop(name, None) for name in GOLD}))
    for start in range(0, len(instances), BATCH_SIZE):
        for output in predictor.predict_batch_instance(instances[start : start + BATCH_SIZE]):
            predicted.append(annotation(output))
    return Corpus(words, gold, predicted)


def annotation(found: Dict[str, Any]) -> Any:
    """From gold fields or a prediction."""
    if found.get("tags") is not None:
        return list(found["tags"])
    if "predicted_heads" in found:
        return ParsedSentence(list(found["predicted_heads"]), list(found["predicted_dependencies"]))
    heads, labels = found["head_indices"].labels, found["head_tags"].labels
    return ParsedSentence([int(head) for head in heads], list(labels))


def annotate(nlp: Any, sentences: Sequence[List[str]]) -> List[Any]:
    """What a pipeline's tagger says, or a student that is its parser, each sentence being a doc."""
    from spacy.tokens import Doc

    parses = "parser" in nlp.pipe_names
    root = "ROOT"  # as spaCy calls it
    if parses:
        labels = nlp.get_pipe("parser").student.labels
        root = next((label for label in labels if label.lower() == "root"), root)
    answers: List[Any] = []
    for doc in nlp.pipe(Doc(nlp.vocab, words=words) for words in sentences):
        if not parses:
            answers.append([token.tag_ for token in doc])
            continue
        heads = [0 if token.head == token else token.head.i + 1 for token in doc]
        answers.append(
            ParsedSentence(heads, [root if token.dep_ == "ROOT" else token.dep_ for token in doc])
        )
    return answers


def score(found: Sequence[Any], gold: Sequence[Any], encoding: Optional[str]) -> float:
    """In percent: F1 of spans, accuracy of tags, or labelled attachment, of all words."""
    if encoding is None:
        return 100 * equal_words(found, gold)
    spans = [
        {(row, span) for row, tags in enumerate(rows) for span in spans_of(tags, encoding)}
        for rows in (found, gold)
    ]
    return 200 * len(spans[0] & spans[1]) / max(1, len(spans[0]) + len(spans[1]))


def equal_words(one: Sequence[Any], other: Sequence[Any]) -> float:
    """The share of words of which two annotations say the same, in all that they say."""
    pairs = [pair for rows in zip(one, other) for pair in zip(*map(_by_word, rows))]
    return sum(left == right for left, right in pairs) / max(1, len(pairs))


def _by_word(answer: Any) -> List[Any]:
    return list(zip(*answer)) if isinstance(answer, ParsedSentence) else answer
