"""Gold annotation and a teacher's as spaCy's training files."""

from pathlib import Path
from typing import Any, Iterable, List, Sequence

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from benchmarks.setups.tasks import ROOT, Example, Task
from spacy_bridge.atomic_file import atomic_file
from spacy_bridge.runtime.packaged_parser import ParsedSentence


def write_docs(path: Path, docs: Iterable[Doc]) -> None:
    """A `.spacy` file of one doc a sentence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as file:
        file.write(DocBin(docs=list(docs), store_user_data=False).to_bytes())


def gold_doc(vocab: Vocab, task: Task, example: Example) -> Doc:
    """A sentence with the annotation that a pipeline of the task learns."""
    if task.spans:
        return Doc(vocab, words=example.words, ents=example.tags)
    return _with_tree(vocab, example.words, example.parse, tags=example.tags)


def predicted_doc(vocab: Vocab, task: Task, words: List[str], answer: Any) -> Doc:
    """A sentence with what a teacher says."""
    if task.spans:
        return Doc(vocab, words=words, ents=answer)
    return _with_tree(vocab, words, answer)


def _with_tree(vocab: Vocab, words: List[str], parse: ParsedSentence, **more: Any) -> Doc:
    heads = [head - 1 if head else place for place, head in enumerate(parse.heads)]
    # As spaCy's own converter writes it.
    labels = ["ROOT" if head == 0 else label for head, label in zip(*parse)]
    return Doc(vocab, words=words, heads=heads, deps=labels, **more)


def annotate(nlp: Any, task: Task, sentences: Sequence[List[str]]) -> List[Any]:
    """What a pipeline of spaCy says of sentences that are split into words already."""
    answers: List[Any] = []
    for doc in nlp.pipe(sentence_doc(nlp.vocab, words) for words in sentences):
        if task.spans:
            answers.append([f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type_ else "O" for t in doc])
        elif task.component == "tagger":
            answers.append([token.tag_ for token in doc])
        else:
            heads = [0 if token.head == token else token.head.i + 1 for token in doc]
            labels = [ROOT if token.dep_ == "ROOT" else token.dep_ for token in doc]
            answers.append(ParsedSentence(heads, labels))
    return answers


def sentence_doc(vocab: Vocab, words: List[str]) -> Doc:
    """A doc that is one sentence, whatever a parser makes of it."""
    return Doc(vocab, words=words, sent_starts=[place == 0 for place in range(len(words))])
